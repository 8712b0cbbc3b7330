"""Survival at landmarks, and numbers at risk: by hand, by counting subjects one by one, and against R."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.kaplan_meier import KaplanMeier, kaplan_meier
from app.analysis.landmarks import BEYOND_FOLLOW_UP, LandmarkRate, Tally, landmark_rates, tally
from app.analysis.observations import observe
from tests import literal
from tests.references import assert_equal_to_r, blocks, group_samples
from tests.strategies import Rows, rows, split_in_rows

FILES = ("aml", "lung", "veteran", "ovarian", "kidney", "melanoma", "myeloma")


def rates_of(curve: KaplanMeier, *times: float, carries_forward: bool = True) -> list[LandmarkRate]:
    options: Any = {"confidence_level": 0.95, "confidence_type": "log"}
    return landmark_rates([curve], times, **options, carries_forward=carries_forward)[0]


def counts(found: Tally) -> list[tuple[float, ...]]:
    """Return at risk, events and censored at each time."""
    return list(zip(found.at_risk.tolist(), found.events.tolist(), found.censored.tolist(), strict=True))


def test_landmarks_before_within_and_after_follow_up() -> None:
    """S = 1 before 2, 2/3 from 2 on, 0 from 6 on."""
    curve = kaplan_meier(observe([2, 4, 6], [True, False, True]))
    before, at_event, between, after = rates_of(curve, 1, 2, 5, 7)
    assert (before.at_risk, before.events, before.survival, before.standard_error) == (3, 0, 1, 0)
    assert (before.lower, before.upper, before.reason) == (1, 1, None)
    assert (at_event.at_risk, at_event.events) == (3, 1)
    assert at_event.survival == pytest.approx(2 / 3)
    assert (between.at_risk, between.events, between.survival) == (1, 1, at_event.survival)
    assert (after.at_risk, after.events, after.survival) == (0, 2, 0)
    assert np.isnan([after.standard_error, after.lower, after.upper]).all()
    assert after.reason == "no interval at 0"


def test_without_landmarks_there_are_no_rates() -> None:
    assert rates_of(kaplan_meier(observe([2, 4], [True, False]))) == []


def test_landmarks_come_in_the_order_asked_for_as_often_as_asked_for() -> None:
    found = rates_of(kaplan_meier(observe([2, 4], [True, True])), 4, 1, 4)
    assert [(rate.time, rate.survival) for rate in found] == [(4, 0), (1, 1), (4, 0)]


def test_the_interval_is_of_the_level_and_type_asked_for() -> None:
    """One of two dies: S = 1/2, its error 1/2 sqrt(1/2); plain limits at level 0.5 are 0.674 errors away."""
    curve = kaplan_meier(observe([2, 4], [True, False]))
    ((found,),) = landmark_rates([curve], [3], confidence_level=0.5, confidence_type="plain", carries_forward=True)
    error = 0.5 * 0.5**0.5
    assert found.standard_error == pytest.approx(error)
    assert [found.lower, found.upper] == pytest.approx([0.5 - 0.674490 * error, 0.5 + 0.674490 * error])


def test_a_landmark_that_ties_with_a_death_comes_after_it() -> None:
    """0.1 + 0.2 is a little more than 0.3 in floating point, and one time with it."""
    (found,) = rates_of(kaplan_meier(observe([0.1 + 0.2, 4], [True, False])), 0.3)
    assert (found.time, found.at_risk, found.events, found.survival) == (0.3, 2, 1, 0.5)


@pytest.mark.parametrize("at", [0.3, 0.1 + 0.2])
def test_who_enters_at_a_landmark_is_not_at_risk_just_before_it(at: float) -> None:
    """Of a subject from 0 to 1 and one from 0.3 to 2 the first alone; the death at 0.1 + 0.2 is at 0.3 as well."""
    observations = observe([1, 2, 0.1 + 0.2], [True] * 3, entry=[0, 0.3, 0])
    (found,) = rates_of(kaplan_meier(observations), at)
    assert (found.at_risk, found.events, found.survival) == (2, 1, 0.5)


def test_a_landmark_that_ties_with_an_entry_alone_is_at_it() -> None:
    """0.1 + 0.2 is a little more than the entry at 0.3, and one time with it: the second is not at risk yet."""
    (found,) = rates_of(kaplan_meier(observe([1, 2], [True, True], entry=[0, 0.3])), 0.1 + 0.2)
    assert found.at_risk == 1


def test_beyond_the_last_follow_up_survival_is_carried_forward_or_unknown() -> None:
    curve = kaplan_meier(observe([2, 4], [True, False]))
    last, carried = rates_of(curve, 4, 5)
    assert (last.survival, carried.survival, carried.reason) == (0.5, 0.5, None)
    known, unknown = rates_of(curve, 4, 5, carries_forward=False)
    assert known == last
    assert np.isnan([unknown.survival, unknown.standard_error, unknown.lower, unknown.upper]).all()
    assert (unknown.at_risk, unknown.events, unknown.reason) == (0, 1, BEYOND_FOLLOW_UP)


def test_survival_of_zero_is_known_for_ever() -> None:
    (found,) = rates_of(kaplan_meier(observe([2, 4], [True, True])), 9, carries_forward=False)
    assert (found.survival, found.reason) == (0, "no interval at 0")


@pytest.mark.parametrize("kind", ["log-log", "logit", "arcsin"])
def test_after_a_first_censoring_at_one_there_is_no_interval_of_some_types(kind: Any) -> None:
    """Nobody has died: limits are 1 before the first follow-up time, and do not exist from it on."""
    curve = kaplan_meier(observe([2, 4], [False, True]))
    ((before, after),) = landmark_rates(
        [curve], [1, 3], confidence_level=0.95, confidence_type=kind, carries_forward=True
    )
    assert (before.lower, before.upper, before.reason) == (1, 1, None)
    assert np.isnan([after.lower, after.upper]).all()
    assert (after.survival, after.reason) == (1, "no interval at 1")


def blocks_with_landmarks() -> list[Any]:
    return [
        pytest.param(name, block, id=f"{name}-{block['id']}")
        for name in FILES
        for block in blocks(name, "km")
        if block["strata"][0].get("landmarks")
    ]


@pytest.mark.parametrize(("name", "block"), blocks_with_landmarks())
def test_landmark_rates_equal_r(name: str, block: dict[str, Any]) -> None:
    """With entry, weights, sampling weights, clusters, and from a start time on.

    Where S = 0 R has no Greenwood error, but a clustered one of 0; there is none either way.
    """
    level = block["conf_level"]
    for part, stratum in group_samples(name, block):
        expected = stratum["landmarks"]
        observations = part.since(block["inputs"]["start_time"]) if "start_time" in block["inputs"] else part
        known = [survival > 0 for survival in expected["surv"]]
        for kind, limits in expected["ci"].items():
            curve = kaplan_meier(observations, confidence_level=level, confidence_type=kind)
            (found,) = landmark_rates(
                [curve], expected["times"], confidence_level=level, confidence_type=kind, carries_forward=True
            )
            assert_equal_to_r([rate.survival for rate in found], expected["surv"])
            assert_equal_to_r([rate.at_risk for rate in found], expected.get("n_risk_count", expected["n_risk"]))
            for figure, figures in (("standard_error", expected["std_err"]), *limits.items()):
                r = np.where(known, np.array(figures, dtype=np.float64), np.nan)
                assert_equal_to_r([getattr(rate, figure) for rate in found], r)


class TestTally:
    def test_by_hand_with_ties(self) -> None:
        """Weights 2 and 3 die and are censored at 2: before it 6 are followed, at it 1 is left."""
        observations = observe([2, 2, 5], [True, False, True], weight=[2, 3, 1])
        assert counts(tally(observations, [0, 1.9, 2, 4, 5, 9])) == [
            (6, 0, 0),
            (6, 0, 0),
            (1, 2, 3),
            (1, 2, 3),
            (0, 3, 3),
            (0, 3, 3),
        ]

    def test_by_hand_with_entry(self) -> None:
        """Entries at 0, 1 and 4: who has entered counts, also at the very time."""
        observations = observe([3, 6, 5], [True, False, True], entry=[0, 1, 4])
        found = tally(observations, [0, 1, 3, 3.5, 4, 5, 6])
        assert found.at_risk.tolist() == [1, 2, 1, 1, 2, 1, 0]
        assert found.events.tolist() == [0, 0, 1, 1, 1, 2, 2]
        assert found.censored.tolist() == [0, 0, 0, 0, 0, 0, 1]

    def test_a_subject_that_ends_at_the_origin_is_not_followed_after_it(self) -> None:
        assert counts(tally(observe([0, 0, 3], [True, False, True]), [0])) == [(1, 1, 1)]

    @pytest.mark.parametrize("at", [0.3, 0.1 + 0.2])
    def test_times_that_tie_are_one(self, at: float) -> None:
        for time in (0.3, 0.1 + 0.2):
            found = tally(observe([time, 4], [True, False]), [at])
            assert counts(found) == [(1, 1, 0)]
            assert found.time.tolist() == [at]

    def test_events_of_every_cause_are_events(self) -> None:
        assert counts(tally(observe([1, 2, 3], [1, 2, 0]), [2])) == [(1, 2, 0)]

    def test_of_no_times_is_empty(self) -> None:
        assert counts(tally(observe([1], [True]), [])) == []

    def test_nobody_is_left_after_the_last_follow_up_whatever_the_weights(self) -> None:
        observations = observe(range(1, 11), [True] * 10, weight=[0.1] * 10, sampling=True)
        assert tally(observations, [10, 11]).at_risk.tolist() == [0, 0]

    def test_times_that_tie_with_an_entry_are_one(self) -> None:
        """The second has entered at 0.3."""
        assert counts(tally(observe([1, 2], [True, True], entry=[0, 0.1 + 0.2]), [0.3])) == [(2, 0, 0)]

    @given(
        rows(causes=2) | rows(causes=2, entry=False, near_ties=True),
        st.lists(st.integers(0, 14).map(lambda half: half / 2), max_size=8),
    )
    @settings(deadline=None)
    def test_counts_are_those_of_the_definition(self, sample: Rows, times: list[float]) -> None:
        """And they add up to the number entered by each time."""
        observations = sample.observe()
        subjects = literal.subjects(observations)

        def expected(time: float) -> tuple[float, ...]:
            # Strategies have near-ties of some 1e-9 beside whole numbers.
            entered = [one for one in subjects if one.entry <= time + 1e-8]
            ended = [one for one in entered if one.time <= time + 1e-8]
            events = [one for one in ended if one.cause > 0]
            parts = (len_(entered) - len_(ended), len_(events), len_(ended) - len_(events))
            assert sum(parts) == len_(entered)
            return parts

        def len_(subjects: literal.Sample) -> float:
            return float(literal.count(subjects))

        found = tally(observations, times)
        assert counts(found) == [expected(time) for time in times]

    @given(rows(near_ties=True), st.lists(st.integers(0, 7), min_size=1))
    @settings(deadline=None)
    def test_without_delayed_entry_the_counts_add_up_to_all(self, sample: Rows, times: list[float]) -> None:
        observations = sample.observe()
        found = tally(observations, times)
        entered = [0.0 if observations.entry is None else float(max(observations.entry)) <= time for time in times]
        total = found.at_risk + found.events + found.censored
        assert (total <= observations.weights.sum()).all()
        assert (total[np.array(entered, dtype=bool)] == observations.weights.sum()).all()

    @given(split_in_rows(rows(causes=2, stratum=None, near_ties=True)))
    @settings(deadline=None)
    def test_weights_are_rows(self, samples: tuple[Rows, Rows]) -> None:
        first, second = (tally(sample.observe(), range(8)) for sample in samples)
        assert counts(first) == counts(second)
