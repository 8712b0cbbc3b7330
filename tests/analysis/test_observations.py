"""Checking, sorting and the merging of near-ties."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.arrays import TOLERANCE
from app.analysis.errors import InvalidObservationsError
from app.analysis.observations import Observations, observe
from tests import literal
from tests.strategies import Rows, rows, shuffled, split_in_rows


def columns(observations: Observations) -> dict[str, Any]:
    names = ("time", "cause", "entry", "group", "stratum", "cluster", "weight")
    return {name: getattr(observations, name) for name in names if getattr(observations, name) is not None}


def assert_identical(first: Observations, second: Observations) -> None:
    """Assert that two samples agree in every bit: -0.0 is not 0.0."""
    assert columns(first).keys() == columns(second).keys()
    for name, values in columns(first).items():
        assert values.dtype == columns(second)[name].dtype
        assert values.tobytes() == columns(second)[name].tobytes(), name


def assert_sorted(observations: Observations) -> None:
    censored = [(float(time), not event) for time, event in zip(observations.time, observations.event, strict=True)]
    assert censored == sorted(censored)


def table(observations: Observations) -> list[tuple[Any, ...]]:
    return list(zip(*(values.tolist() for values in columns(observations).values()), strict=True))


def test_rows_are_sorted_by_time_and_events_come_first() -> None:
    observations = observe([3, 1, 2, 2, 2], [1, 0, 0, 2, 1], group=[0, 1, 2, 3, 4])
    np.testing.assert_array_equal(observations.time, [1, 2, 2, 2, 3])
    np.testing.assert_array_equal(observations.cause, [0, 1, 2, 0, 1])
    assert observations.group is not None
    np.testing.assert_array_equal(observations.group, [1, 4, 3, 2, 0])
    np.testing.assert_array_equal(observations.event, [False, True, True, False, True])
    assert observations.size == 5


def test_every_column_breaks_ties_in_the_order_entry_group_stratum_cluster_weight() -> None:
    observations = observe(
        [1] * 6,
        [1] * 6,
        entry=[0.5, 0, 0, 0, 0, 0],
        group=[0, 1, 0, 0, 0, 0],
        stratum=[0, 0, 1, 0, 0, 0],
        cluster=[2, 2, 2, 1, 0, 0],
        weight=[1, 1, 1, 1, 3, 2],
        sampling=True,
    )
    order = [(0, 0, 0, 0, 1), (0, 0, 0, 2, 2), (0, 0, 0, 2, 3), (0, 0, 1, 1, 1), (0, 1, 0, 1, 1), (0.5, 0, 0, 1, 1)]
    assert [row[2:] for row in table(observations)] == order


def test_rows_that_say_the_same_are_counted() -> None:
    observations = observe([2, 1, 2, 2, 2], [1, 0, 1, 0, 1], weight=[1, 1, 3, 1, 2], group=[0, 0, 0, 0, 1])
    assert table(observations) == [(1, 0, 0, 1), (2, 1, 0, 4), (2, 1, 1, 2), (2, 0, 0, 1)]


def test_rows_with_sampling_weights_stay_apart_each_a_cluster() -> None:
    observations = observe([2, 1, 2], [1, 0, 1], weight=[0.5, 1, 0.5], sampling=True)
    assert table(observations) == [(1, 0, 0, 1), (2, 1, 1, 0.5), (2, 1, 2, 0.5)]


@given(split_in_rows(rows(causes=2, stratum=None, near_ties=True)))
@settings(deadline=None)
def test_a_table_of_counts_and_its_rows_are_the_same_sample(samples: tuple[Rows, Rows]) -> None:
    counts, subjects = (sample.observe() for sample in samples)
    assert (counts.weights == subjects.weights).all()
    assert_identical(replace(counts, weight=None), replace(subjects, weight=None))


def test_clusters_keep_their_rows_and_are_numbered_by_them() -> None:
    """The cluster whose first row is earliest becomes 0, whatever it was called."""
    observations = observe([4, 3, 2, 1], [1, 1, 1, 1], cluster=[5, 9, 9, 7])
    assert observations.cluster is not None
    np.testing.assert_array_equal(observations.cluster, [0, 1, 1, 2])


def test_booleans_and_whole_numbers_are_taken_as_causes() -> None:
    assert_identical(observe([1, 2], [True, False]), observe((1.0, 2.0), np.array([1, 0], dtype=np.int8)))


def test_absent_columns_stay_absent_and_have_defaults() -> None:
    observations = observe([1, 2], [1, 0])
    assert columns(observations).keys() == {"time", "cause"}
    np.testing.assert_array_equal(observations.weights, [1.0, 1.0])
    np.testing.assert_array_equal(observations.groups, [0, 0])


def test_given_columns_are_used() -> None:
    observations = observe([2, 1], [1, 0], weight=[3, 4], group=[1, 0])
    np.testing.assert_array_equal(observations.weights, [4.0, 3.0])
    np.testing.assert_array_equal(observations.groups, [0, 1])


def test_minus_zero_is_zero() -> None:
    observations = observe([-0.0, 0.0, 1.0], [1, 0, 1])
    assert not np.signbit(observations.time).any()
    entered = observe([1.0, 1.0], [1, 0], entry=[-0.0, 0.0])
    assert entered.entry is not None
    assert not np.signbit(entered.entry).any()


@pytest.mark.parametrize(
    ("near", "merged"),
    [
        ([0.1 + 0.2, 0.3], [0.3, 0.3]),
        ([0.0, 1.4e-8], [0.0, 0.0]),
        ([0.0, TOLERANCE], [0.0, 0.0]),
        ([1.0, 1 + 1e-8, 1 + 2e-8, 1 + 3e-8], [1.0] * 4),  # each near to the next
        ([1e9, 1e9 + 10], [1e9, 1e9]),  # relative to the mean: 1e9 x 1.49e-8 = 14.9
        ([3.0, 3 + 5e-8, 6.0], [3.0, 3.0, 6.0]),  # mean 4: 5.96e-8
    ],
)
def test_near_ties_become_the_first_of_their_times(near: list[float], merged: list[float]) -> None:
    found = observe(near[::-1], [1] * len(near), group=range(len(near)))
    np.testing.assert_array_equal(found.time, merged)


@pytest.mark.parametrize(
    "times",
    [[0.0, 1.5e-8], [0.5, 0.5 + 1.6e-8], [1e9, 1e9 + 16], [3.0, 3 + 7e-8, 6.0], [0.0, 0.001]],
)
def test_times_further_apart_than_the_tolerance_are_not_tied(times: list[float]) -> None:
    np.testing.assert_array_equal(observe(times, [1] * len(times)).time, times)


def test_the_mean_that_scales_the_tolerance_is_that_of_the_distinct_times() -> None:
    """1 and 1 + 5e-8 tie beside a single 10, however many rows end at 1."""
    observations = observe([1.0] * 100 + [1 + 5e-8, 10], [1] * 102)
    np.testing.assert_array_equal(np.unique(observations.time), [1, 10])


def test_entries_tie_with_times() -> None:
    """Who enters at 0.3 is not at risk at the event of another at 0.1 + 0.2."""
    observations = observe([0.1 + 0.2, 1.0], [1, 1], entry=[0.0, 0.3])
    assert observations.entry is not None
    assert observations.time[0] == observations.entry[1] == 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"time": []}, "at least one row"),
        ({"time": 1.0, "cause": 1}, "at least one row"),
        ({"time": [[1.0, 2.0]]}, "at least one row"),
        ({"cause": [1]}, "differ in length"),
        ({"cause": [[1, 0]]}, "differ in length"),
        ({"entry": [0]}, "differ in length"),
        ({"weight": [1, 1, 1]}, "differ in length"),
        ({"group": []}, "differ in length"),
        ({"cluster": 0}, "differ in length"),
        ({"time": [1, np.nan]}, "a time is not finite or below 0"),
        ({"time": [1, np.inf]}, "a time is not finite or below 0"),
        ({"time": [1, -1e-9]}, "a time is not finite or below 0"),
        ({"cause": [1, -1]}, "a cause, group, stratum or cluster is below 0"),
        ({"stratum": [0, -1]}, "a cause, group, stratum or cluster is below 0"),
        ({"group": [0, -1]}, "a cause, group, stratum or cluster is below 0"),
        ({"cluster": [-1, 0]}, "a cause, group, stratum or cluster is below 0"),
        ({"entry": [0, -1]}, "an entry is below 0 or not before its time"),
        ({"entry": [0, 2]}, "an entry is below 0 or not before its time"),
        ({"entry": [1.5, 0]}, "an entry is below 0 or not before its time"),
        ({"entry": [0, np.nan]}, "an entry is below 0 or not before its time"),
        ({"time": [0, 1], "entry": [0, 0]}, "an entry is below 0 or not before its time"),
        ({"time": [0.1 + 0.2, 2], "entry": [0.3, 0]}, "an entry is so near to its time"),
        ({"weight": [1, 0]}, "a weight is not finite or not above 0"),
        ({"weight": [1, -1]}, "a weight is not finite or not above 0"),
        ({"weight": [1, np.nan]}, "a weight is not finite or not above 0"),
        ({"weight": [1, np.inf]}, "a weight is not finite or not above 0"),
        ({"sampling": True}, "sampling weights are missing"),
    ],
)
def test_what_is_no_sample_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidObservationsError, match=message):
        observe(**{"time": [1.0, 2.0], "cause": [1, 0], **arguments})


def test_a_mask_and_ascending_places_select_rows() -> None:
    observations = observe([1, 2, 3], [1, 0, 2], entry=[0, 1, 2], weight=[1, 2, 3], group=[0, 1, 0], cluster=[0, 1, 2])
    chosen = observations.select(np.array([True, False, True]))
    assert table(chosen) == [(1, 1, 0, 0, 0, 1), (3, 2, 2, 0, 2, 3)]
    assert_identical(chosen, observations.select(np.array([0, 2])))


def test_splitting_gives_one_sample_a_group_and_an_empty_one_for_a_code_without_rows() -> None:
    parts = observe([1, 2, 3], [1, 0, 1], group=[2, 0, 2]).split(3)
    assert [table(part) for part in parts] == [[(2, 0, 0)], [], [(1, 1, 2), (3, 1, 2)]]


def test_the_events_of_other_causes_become_censorings_and_come_after_the_events() -> None:
    observations = observe([1, 1, 1, 2], [1, 2, 0, 2], group=[0, 1, 2, 3])
    assert table(observations.only_cause(2)) == [(1, 1, 1), (1, 0, 0), (1, 0, 2), (2, 1, 3)]


def test_flipping_exchanges_event_and_censoring() -> None:
    observations = observe([1, 1, 1, 2], [1, 2, 0, 2], group=[0, 1, 2, 3])
    assert table(observations.flipped()) == [(1, 1, 2), (1, 0, 0), (1, 0, 1), (2, 0, 3)]


@given(rows(causes=2, cluster=False, near_ties=True))
@settings(deadline=None)
def test_observing_is_sorting_the_rows_with_their_merged_times(sample: Rows) -> None:
    first = literal.merged([0.0 + time for time in sample.time + (sample.entry or [])])
    merged = {"time": [first[time] for time in sample.time]}
    if sample.entry is not None:
        merged["entry"] = [first[entry] for entry in sample.entry]
    weights = sample.weight or [1] * sample.size
    values = replace(sample, weight=None).columns() | merged
    counts: Counter[tuple[float, ...]] = Counter()
    for *row, weight in zip(*values.values(), weights, strict=True):
        counts[tuple(row)] += weight
    expected = [(*row, count) for row, count in counts.items()]
    observations = sample.observe()
    found = table(replace(observations, weight=observations.weights))
    assert found == sorted(expected, key=lambda row: (row[0], row[1] == 0, *row[1:]))


@given(rows(causes=2, cluster=True))
@settings(deadline=None)
def test_rows_of_one_cluster_stay_together(sample: Rows) -> None:
    def counted(observations: Observations) -> list[tuple[Any, ...]]:
        return table(replace(observations, weight=observations.weights, cluster=None))

    observations, given_to = sample.observe(), sample.cluster or []
    assert observations.cluster is not None
    found = [counted(observations.select(np.equal(observations.cluster, code))) for code in range(max(given_to) + 1)]
    alone = [[row for row, code in enumerate(given_to) if code == each] for each in sorted(set(given_to))]
    assert sorted(found) == sorted(counted(sample.take(rows_).observe()) for rows_ in alone)


@given(rows(causes=2, cluster=True, near_ties=True), st.permutations(range(10)))
@settings(deadline=None)
def test_the_codes_of_the_clusters_change_no_bit(sample: Rows, codes: list[int]) -> None:
    relabelled = replace(sample, cluster=[codes[code] for code in sample.cluster or []])
    assert_identical(relabelled.observe(), sample.observe())


@given(rows(causes=2, near_ties=True))
@settings(deadline=None)
def test_every_derived_sample_keeps_the_sorting(sample: Rows) -> None:
    observations = sample.observe()
    derived = [observations, observations.flipped(), observations.only_cause(1), observations.only_cause(2)]
    for each in [*derived, *observations.split(sample.groups), observations.select(observations.event)]:
        assert_sorted(each)
    assert sum(part.size for part in observations.split(sample.groups)) == observations.size


@given(rows(near_ties=True))
@settings(deadline=None)
def test_flipping_twice_changes_nothing(sample: Rows) -> None:
    assert_identical(sample.observe().flipped().flipped(), sample.observe())


@given(shuffled(rows(causes=2, near_ties=True)))
@settings(deadline=None)
def test_the_order_of_rows_changes_no_bit(samples: tuple[Rows, Rows]) -> None:
    first, second = (sample.observe() for sample in samples)
    assert_identical(first, second)
    assert_identical(first.only_cause(2), second.only_cause(2))


@given(rows(causes=2, near_ties=True))
@settings(deadline=None)
def test_inputs_are_neither_changed_nor_kept(sample: Rows) -> None:
    arrays: dict[str, Any] = {name: np.array(values) for name, values in sample.columns().items()}
    for values in arrays.values():
        values.flags.writeable = False
    observations = observe(**arrays)
    derived = (observations, observations.flipped(), observations.only_cause(1), *observations.split(sample.groups))
    assert not any(
        np.shares_memory(kept, given)
        for each in derived
        for kept in columns(each).values()
        for given in arrays.values()
    )
    assert_identical(observations, sample.observe())
