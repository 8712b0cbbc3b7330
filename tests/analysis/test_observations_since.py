"""Samples made from samples: those followed until a start, with times replaced, with strata in sequence."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.kaplan_meier import kaplan_meier
from app.analysis.observations import Observations, observe, recounted, strata_in_sequence, tied_to
from app.analysis.risk_table import risk_table
from tests import literal
from tests.references import assert_equal_to_r, blocks, sample
from tests.strategies import Rows, rows, split_in_rows

COLUMNS = ("time", "cause", "entry", "group", "stratum", "cluster", "weight")


def assert_identical(first: Observations, second: Observations) -> None:
    assert (first.sampling, first.start) == (second.sampling, second.start)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


class TestSince:
    def test_keeps_who_is_followed_until_then_or_longer(self) -> None:
        """Who ends at 3 is one of them; entries stay what they were."""
        columns: dict[str, Any] = {
            "entry": [0, 2, 0, 4],
            "weight": [1, 2, 3, 4],
            "group": [0, 1, 2, 1],
            "cluster": [0, 1, 1, 2],
        }
        observations = observe([1, 3, 3, 5], [1, 1, 0, 1], **columns)
        found = observations.since(3)
        assert found.time.tolist() == [3, 3, 5]
        assert found.cause.tolist() == [1, 0, 1]
        assert found.start == 3
        for name, values in columns.items():
            assert getattr(found, name).tolist() == values[1:]
        assert observations.start == 0

    def test_of_the_origin_changes_nothing(self) -> None:
        observations = observe([0, 3], [1, 0])
        assert_identical(observations.since(0), observations)

    def test_beyond_the_last_follow_up_leaves_nobody(self) -> None:
        assert observe([1, 3], [1, 1]).since(3.1).size == 0

    @pytest.mark.parametrize(("time", "start"), [(0.3, 0.1 + 0.2), (0.1 + 0.2, 0.3), (0.3, 0.3 - 1e-9)])
    def test_a_time_that_ties_with_the_start_is_the_start(self, time: float, start: float) -> None:
        found = observe([time, 2], [1, 0]).since(start)
        assert (found.size, found.start, found.time[0]) == (2, start, start)

    def test_stays_through_what_is_made_of_the_sample(self) -> None:
        found = observe([1, 3, 4], [1, 2, 0], group=[0, 0, 1]).since(2)
        made = [found.flipped(), found.only_cause(2), *found.split(2), recounted(found), found.select(found.event)]
        assert [each.start for each in made] == [2] * len(made)

    @given(rows(causes=2, near_ties=True), st.integers(0, 6))
    @settings(deadline=None)
    def test_survival_since_a_start_is_conditional_on_it(self, sample: Rows, start: int) -> None:
        """S(t | T >= start) = S(t) / S(start-), where survival gets that far; the risk sets are the same."""
        observations = sample.observe()
        followed = observations.since(start)
        if followed.size == 0:
            assert observations.time[-1] < start
            return
        whole, later = kaplan_meier(observations), kaplan_meier(followed)
        chosen = whole.time >= followed.start - 1e-7
        np.testing.assert_allclose(later.time, whole.time[chosen], rtol=1e-7)
        np.testing.assert_array_equal(later.table.at_risk, whole.table.at_risk[chosen])
        np.testing.assert_array_equal(later.table.events, whole.table.events[chosen])
        before = np.concatenate(([1.0], whole.survival[~chosen]))[-1]
        np.testing.assert_allclose(later.survival * before, whole.survival[chosen], atol=1e-12)

    @given(rows(cluster=False), st.integers(0, 6))
    @settings(deadline=None)
    def test_survival_since_a_start_is_that_of_the_definition(self, sample: Rows, start: int) -> None:
        followed = sample.observe().since(start)
        if followed.size == 0:
            return
        curve, subjects = kaplan_meier(followed), literal.subjects(followed)
        np.testing.assert_allclose(curve.survival, literal.along(literal.survival, subjects, curve.time), atol=1e-15)

    def test_the_curve_of_myeloma_from_365_equals_r(self) -> None:
        (block,) = (block for block in blocks("myeloma", "km") if "start_time" in block["inputs"])
        observations, _ = sample("myeloma", block)
        followed = observations.since(block["inputs"]["start_time"])
        (stratum,) = block["strata"]
        figures = stratum["curve"]
        for kind, limits in stratum["ci"].items():
            curve = kaplan_meier(followed, confidence_type=kind)
            found: dict[str, Any] = {
                "time": curve.time,
                "n_risk": curve.table.at_risk,
                "n_event": curve.table.events,
                "n_censor": curve.table.censored,
                "surv": curve.survival,
                "std_err": curve.standard_error,
            }
            for name, values in found.items():
                assert_equal_to_r(values, figures[name])
            assert_equal_to_r(curve.lower, limits["lower"])
            assert_equal_to_r(curve.upper, limits["upper"])
        assert (followed.weights.sum(), curve.table.events.sum()) == (stratum["n"], stratum["events"])


class TestRecounted:
    def test_sorts_and_counts_rows_that_say_the_same(self) -> None:
        observations = observe([1, 2, 3, 4], [0, 1, 1, 1], weight=[1, 2, 3, 4], group=[0, 0, 0, 1])
        found = recounted(replace(observations, time=np.array([5.0, 5, 5, 1])))
        assert found.time.tolist() == [1, 5, 5]
        assert found.cause.tolist() == [1, 1, 0]
        assert found.group is not None
        assert found.group.tolist() == [1, 0, 0]
        assert found.weights.tolist() == [4, 5, 1]

    def test_counts_entries_as_they_are(self) -> None:
        observations = observe([4, 4, 4], [1, 1, 1], entry=[0, 1, 2])
        found = recounted(replace(observations, entry=np.array([0.0, 0, 2])))
        assert found.weights.tolist() == [2, 1]

    def test_leaves_rows_with_sampling_weights_apart(self) -> None:
        observations = observe([1, 2], [1, 1], weight=[2, 1], sampling=True)
        found = recounted(replace(observations, time=np.array([5.0, 5])))
        assert found.weights.tolist() == [2, 1]

    @given(rows(causes=2, near_ties=True, stratum=None))
    @settings(deadline=None)
    def test_changes_nothing_where_nothing_was_replaced(self, sample: Rows) -> None:
        observations = sample.observe()
        assert_identical(recounted(observations), observations)

    @given(split_in_rows(rows(causes=2, entry=False, stratum=None, cluster=False)))
    @settings(deadline=None)
    def test_is_observing_the_times_that_were_put_in_their_place(self, samples: tuple[Rows, Rows]) -> None:
        """Each time is rounded up to an even one, before observing it or after."""
        counts, subjects = samples
        even = replace(subjects, time=[2 * float(-(-time // 2)) for time in subjects.time])
        observations = counts.observe()
        found = recounted(replace(observations, time=2 * np.ceil(observations.time / 2)))
        expected = even.observe()
        assert_identical(replace(found, weight=found.weights), replace(expected, weight=expected.weights))


@given(rows(causes=2, stratum=True, near_ties=True))
@settings(deadline=None)
def test_strata_in_sequence_have_the_risk_sets_of_each_stratum(sample: Rows) -> None:
    observations = sample.observe()
    sequence, strata = strata_in_sequence(observations), observations.stratum
    assert strata is not None
    found = risk_table(sequence)
    alone = [risk_table(observations.select(strata == code)) for code in range(int(strata.max()) + 1)]
    for counts in ("at_risk", "events", "censored"):
        expected = np.concatenate([getattr(part, counts) for part in alone])
        np.testing.assert_array_equal(getattr(found, counts), expected)


def test_rows_stand_for_as_many_subjects_as_they_weigh_but_with_sampling_weights_for_one_each() -> None:
    assert observe([1, 2], [1, 0]).subjects == 2
    assert observe([1, 2], [1, 0], weight=[3, 4]).subjects == 7
    assert observe([1, 2], [1, 0], weight=[3.5, 4.2], sampling=True).subjects == 2


def test_without_strata_a_sample_is_in_sequence() -> None:
    observations = observe([2, 1], [1, 0])
    assert strata_in_sequence(observations) is observations


def test_times_tie_with_the_nearest_known_one_before_or_after() -> None:
    known = np.array([1.0, 1 + 1e-6, 2.0])
    asked = np.array([0.0, 1 - 1e-9, 1 + 1e-9, 1 + 1e-6 + 1e-9, 1.5, 2 + 1e-9, 9.0])
    assert tied_to(known, asked).tolist() == [0, 1, 1, 1 + 1e-6, 1.5, 2, 9]
