"""Disclosure control: what a coarsened sample tells, and that it tells no more."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.analysis.disclosure import coarsened
from app.analysis.observations import Observations, observe
from tests.references import blocks, sample
from tests.strategies import Rows, rows, shuffled


def shown(observations: Observations, groups: int = 1, k: int = 2) -> Observations:
    """Return the coarsened sample, which must exist."""
    found = coarsened(observations, groups, k).observations
    assert found is not None
    return found


def subjects_of(observations: Observations, chosen: np.ndarray) -> float:
    """Return how many subjects, or clusters of rows, some rows stand for."""
    if observations.cluster is not None:
        return float(np.unique(observations.cluster[chosen]).size)
    return float(observations.weights[chosen].sum())


def assert_tells_of_k_or_more(observations: Observations, pools: list[list[int]], k: int) -> None:
    """Assert that every time at which something happens in a pool of groups is that of at least k subjects."""
    for pool in pools:
        part = observations.select(np.isin(observations.groups, pool))
        for cause in np.unique(part.cause):
            for time in np.unique(part.time[part.cause == cause]):
                assert subjects_of(part, (part.cause == cause) & (part.time == time)) >= k
        for entry in np.unique(part.entry if part.entry is not None else []):
            # At the start any number may enter, which is no time of theirs.
            assert entry <= part.start or subjects_of(part, part.entry == entry) >= k


class TestByHand:
    def test_events_and_censorings_are_cut_apart_into_even_runs(self) -> None:
        """Six events in three runs of two, four censorings in two: their means stand for them."""
        time = [10, 20, 40, 50, 70, 90, 30, 60, 80, 100]
        found = shown(observe(time, [1] * 6 + [0] * 4))
        np.testing.assert_array_equal(found.time, [15.5, 45.5, 45.5, 80.5, 90.5])
        np.testing.assert_array_equal(found.cause, [1, 1, 0, 1, 0])
        np.testing.assert_array_equal(found.weights, [2] * 5)

    def test_runs_are_as_many_and_as_even_as_can_be(self) -> None:
        """Of eleven, five runs of two leave one over; 11 // 5 is 2, so the last has three."""
        np.testing.assert_array_equal(shown(observe(range(1, 12), [1] * 11)).weights, [2, 2, 2, 2, 3])
        np.testing.assert_array_equal(shown(observe(range(1, 12), [1] * 11), k=3).weights, [3, 3, 5])
        np.testing.assert_array_equal(shown(observe(range(1, 12), [1] * 11), k=5).weights, [5, 6])

    def test_equal_times_are_not_cut_apart_and_stay_what_they_are(self) -> None:
        found = shown(observe([0.1, 0.1, 0.1, 5, 6], [1] * 5))
        np.testing.assert_allclose(found.time, [0.1, 5.55], rtol=1e-15)
        np.testing.assert_array_equal(found.weights, [3, 2])

    def test_weights_are_subjects(self) -> None:
        found = shown(observe([10, 20, 30], [1, 1, 1], weight=[3, 1, 1]))
        np.testing.assert_array_equal(found.time, [10, 25.5])

    def test_a_row_with_a_sampling_weight_is_one_subject(self) -> None:
        """The mean of a run is that of its rows: 15, not 11 as their weights have it; so its unit's middle is 15.5."""
        found = shown(observe([10, 20, 30, 40], [1] * 4, weight=[9, 1, 1, 1], sampling=True))
        np.testing.assert_array_equal(found.time, [15.5, 15.5, 35.5, 35.5])

    def test_the_rows_of_a_cluster_are_one_subject(self) -> None:
        """The first three events are those of one patient: it takes the fourth to make two."""
        found = shown(observe([10, 20, 30, 40, 80, 90], [1] * 6, cluster=[0, 0, 0, 1, 2, 3]))
        np.testing.assert_array_equal(np.unique(found.time), [25.5, 85.5])

    def test_groups_are_cut_apart(self) -> None:
        found = shown(observe([10, 20, 30, 100], [1] * 4, group=[0, 1, 1, 0]), groups=2)
        np.testing.assert_array_equal(found.time, [25.5, 55.5])
        np.testing.assert_array_equal(found.groups, [1, 0])

    def test_entries_become_the_last_time_of_the_run_before(self) -> None:
        """Events at 20 and 30; entries at 35 and 40, events at 50 and 60; entries at 70, events at 90: three runs."""
        entry, time = [0, 0, 35, 40, 70, 70], [20, 30, 50, 60, 90, 90]
        found = shown(observe(time, [1] * 6, entry=entry))
        np.testing.assert_array_equal(found.time, [25.5, 55.5, 90])
        np.testing.assert_array_equal(found.entry, [0, 25.5, 55.5])

    def test_entries_before_the_start_are_none(self) -> None:
        """One entry at 1 would be too few to tell of, but all that is told begins at 2."""
        found = shown(observe([3, 4], [1, 1], entry=[1, 0]).since(2))
        np.testing.assert_array_equal(found.time, [3.5])
        np.testing.assert_array_equal(found.entry, [0])


class TestHidden:
    def test_a_sample_with_a_single_event_cannot_be_shown(self) -> None:
        assert coarsened(observe([1, 2, 3], [1, 0, 0]), 1, 2).observations is None

    def test_a_sample_without_events_can(self) -> None:
        np.testing.assert_array_equal(shown(observe([1, 2, 3], [0, 0, 0])).time, [2.5])

    def test_groups_that_cannot_be_shown_are_shown_together(self) -> None:
        """One event and one censoring in each of the groups 0 and 1: two of each together, whatever group 2 has."""
        found = coarsened(observe([1, 4, 2, 6, 3, 5], [1, 0, 1, 0, 1, 1], group=[0, 0, 1, 1, 2, 2]), 3, 2)
        assert found.hidden == {0, 1}
        assert found.observations is not None
        np.testing.assert_array_equal(found.observations.time, [1.5, 1.5, 4.5, 5.5, 5.5])

    def test_the_smallest_other_group_is_hidden_with_one_that_alone_could_be_subtracted(self) -> None:
        """Group 0 has one event; with group 2, the smaller of the others, there are three."""
        observations = observe([1, 2, 3, 4, 5, 6, 7], [1] * 7, group=[0, 1, 1, 1, 1, 2, 2])
        assert coarsened(observations, 3, 2).hidden == {0, 2}

    def test_all_are_hidden_where_nothing_else_helps(self) -> None:
        found = coarsened(observe([1, 2, 3, 4], [1, 0, 0, 0], group=[0, 0, 1, 1]), 2, 2)
        assert found.hidden == {0, 1}
        assert found.observations is None

    def test_a_single_entry_hides(self) -> None:
        assert coarsened(observe([3, 4], [1, 1], entry=[1, 0]), 1, 2).observations is None


samples = rows(causes=1, groups=2, stratum=None, max_size=30)


@given(samples, st.integers(2, 4))
@settings(deadline=None)
def test_every_time_is_that_of_k_subjects_or_more(drawn: Rows, k: int) -> None:
    found = coarsened(drawn.observe(), drawn.groups, k)
    if found.observations is not None:
        visible = [[code] for code in range(drawn.groups) if code not in found.hidden]
        assert_tells_of_k_or_more(found.observations, [*visible, sorted(found.hidden)], k)


@given(samples, st.integers(2, 4))
@settings(deadline=None)
def test_at_any_time_nobody_is_at_risk_or_k_subjects_or_more(drawn: Rows, k: int) -> None:
    found = coarsened(drawn.observe(), drawn.groups, k)
    if found.observations is not None:
        for code in {*range(drawn.groups)} - found.hidden:
            part = found.observations.select(found.observations.groups == code)
            entry = np.full(part.size, -1.0) if part.entry is None else part.entry
            for time in np.arange(0, 7, 0.01):
                at_risk = subjects_of(part, (entry < time) & (time <= part.time))
                assert at_risk == 0 or at_risk >= k


@given(rows(causes=1, groups=2, entry=False, stratum=None, max_size=30), st.integers(2, 4))
@settings(deadline=None)
def test_a_coarsened_sample_cannot_be_told_from_the_one_it_was_made_of(drawn: Rows, k: int) -> None:
    """Coarsening it again changes no bit: what is made of the coarsened sample can come of either.

    Where clusters run across strata it may change some.
    """
    assume(drawn.cluster is None or drawn.stratum is None)
    once = coarsened(drawn.observe(), drawn.groups, k)
    if once.observations is not None:
        twice = coarsened(once.observations, drawn.groups, k)
        assert twice.hidden == once.hidden
        for name in ("time", "cause", "entry", "weights", "groups"):
            first, second = getattr(once.observations, name), getattr(twice.observations, name)
            np.testing.assert_array_equal(first, second)


@given(samples, st.integers(2, 4))
@settings(deadline=None)
def test_nobody_is_lost_and_follow_up_starts_before_it_ends(drawn: Rows, k: int) -> None:
    observations = drawn.observe()
    found = coarsened(observations, drawn.groups, k).observations
    if found is not None:
        for code in range(drawn.groups):
            for cause in (0, 1):
                before, after = (
                    each.weights[(each.groups == code) & (each.cause == cause)] for each in (observations, found)
                )
                assert before.sum() == after.sum()
        assert found.entry is None or (found.entry < found.time).all()


@given(rows(entry=False, cluster=False, group=True, max_size=30), st.integers(2, 4))
@settings(deadline=None)
def test_times_move_by_less_than_a_unit_on_average(drawn: Rows, k: int) -> None:
    observations = drawn.observe()
    found = coarsened(observations, drawn.groups, k).observations
    if found is not None:
        moved = (found.weights @ found.time - observations.weights @ observations.time) / observations.weights.sum()
        assert abs(moved) < 1


@pytest.mark.parametrize(
    ("times", "shown_as"),
    [
        ([0, 0, 0, 0, 1], 0.5),  # and not 0.2, which only these times have as their mean
        ([3, 3, 3, 3, 3], 3),
        ([1.5, 2, 2, 2, 3], 2.15),  # the mean is 2.1, the unit 0.1
        ([1 / 3, 2 / 3, 1, 4 / 3, 5 / 3], 1.0005),  # four digits of 1.667
        ([1000 / 3, 1001 / 3, 1002 / 3, 1003 / 3, 1004 / 3], 334.05),
        ([1 + 1e-5 / 3, 1 + 2e-5, 1 + 3e-5, 1 + 4e-5, 1 + 5e-5], 1 + 2.866666666e-5),  # no room for four digits
    ],
)
def test_what_stands_for_a_run_is_nobodys_time(times: list[float], shown_as: float) -> None:
    (time,) = np.unique(shown(observe(times, [1] * 5), k=5).time)
    assert time == pytest.approx(shown_as, rel=1e-12)


def test_strata_are_cut_apart_and_hide_the_group_they_are_in() -> None:
    """Of group 1 a single event is in stratum 1: it could be told by subtraction from the stratum of all."""
    observations = observe(range(1, 13), [1] * 12, group=[0] * 6 + [1] * 6, stratum=[0, 0, 0, 1, 1, 1] + [0] * 5 + [1])
    assert coarsened(observations, 2, 2).hidden == {0, 1}
    assert coarsened(replace(observations, stratum=None), 2, 2).hidden == frozenset()


def test_a_single_subject_at_risk_from_the_start_hides() -> None:
    """Of those who are followed until 10 one entered before: so many were at risk at 10."""
    entry = [0, 12, 12, 12, 12]
    assert coarsened(observe([20] * 5, [1] * 5, entry=entry).since(10), 1, 2).observations is None


@given(shuffled(samples), st.integers(2, 4))
@settings(deadline=None)
def test_the_order_of_rows_changes_nothing(drawn: tuple[Rows, Rows], k: int) -> None:
    first, second = (coarsened(each.observe(), each.groups, k) for each in drawn)
    assert first.hidden == second.hidden
    if first.observations is not None and second.observations is not None:
        np.testing.assert_array_equal(first.observations.time, second.observations.time)


@pytest.mark.parametrize("k", [2, 5, 10])
@pytest.mark.parametrize("name", ["aml", "lung", "veteran", "ovarian", "kidney", "melanoma", "myeloma"])
def test_what_is_shown_of_a_reference_sample_is_of_k_subjects_or_more(name: str, k: int) -> None:
    for block in [block for block in blocks(name, "km") if block["id"] != "sampling_weighted_naive"]:
        observations, labels = sample(name, block)
        groups = max(len(labels), 1)
        found = coarsened(observations, groups, k)
        if found.observations is not None:
            visible = [[code] for code in range(groups) if code not in found.hidden]
            assert_tells_of_k_or_more(found.observations, [*visible, sorted(found.hidden)], k)
