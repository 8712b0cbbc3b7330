"""Samples of recurrent events: how rows become periods at risk, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.errors import InvalidObservationsError
from app.analysis.recurrent import Recurrences, observe_recurrences
from tests.analysis import recurrent_samples as literal
from tests.analysis.recurrent_samples import Histories, histories


def periods(sample: Recurrences) -> list[tuple[float, float, int, bool]]:
    """Return start, end, recurrences and death of each period, an entry before the origin being -1."""
    moments = [-1.0, *sample.moments.tolist()]
    rows = sample.rows
    ranks = zip(np.asarray(rows.entry).astype(int), rows.time.astype(int), rows.cause, rows.weights, strict=True)
    return [
        (moments[start], moments[end], int(cause) // 2, bool(cause % 2))
        for start, end, cause, weight in ranks
        for _ in range(int(weight))
    ]


def firsts(sample: Recurrences) -> list[tuple[float, int]]:
    first = sample.first
    return [
        (time, cause)
        for time, cause, weight in zip(first.time.tolist(), first.cause.tolist(), first.weights, strict=True)
        for _ in range(int(weight))
    ]


def test_without_entry_a_row_begins_where_the_one_before_it_ends() -> None:
    sample = observe_recurrences([0, 0, 0], [7, 2, 5], [0, 1, 1])
    assert periods(sample) == [(-1, 2, 1, False), (2, 5, 1, False), (5, 7, 0, False)]
    assert (sample.person_time, sample.counts.tolist(), sample.deaths) == (7, [2], 0)
    assert firsts(sample) == [(2, 1)]


def test_recurrences_of_a_subject_at_one_time_count_each() -> None:
    """And a row that ends follow-up there adds nothing but the death."""
    sample = observe_recurrences([0, 0, 0, 0], [2, 2, 3, 3], [1, 1, 1, 0], terminal=[0, 0, 0, 1])
    assert periods(sample) == [(-1, 2, 2, False), (2, 3, 1, True)]
    assert (sample.counts.tolist(), sample.deaths) == ([3], 1)


def test_a_subject_is_at_risk_at_the_origin_unless_it_enters() -> None:
    sample = observe_recurrences([0, 0, 1, 2], [0, 4, 4, 0], [1, 0, 0, 0])
    assert periods(sample) == [(-1, 0, 1, False), (-1, 0, 0, False), (-1, 4, 0, False), (0, 4, 0, False)]
    assert sample.person_time == 8
    assert periods(observe_recurrences([0], [4], [0], entry=[0])) == [(0, 4, 0, False)]


def test_with_entry_there_may_be_gaps() -> None:
    sample = observe_recurrences([0, 0, 0], [3, 9, 6], [1, 0, 1], entry=[1, 8, 4])
    assert periods(sample) == [(1, 3, 1, False), (4, 6, 1, False), (8, 9, 0, False)]
    assert (sample.person_time, sample.with_gaps.tolist()) == (5, [False])
    assert np.asarray(sample.first.entry).tolist() == [1]


def test_a_gap_before_the_first_recurrence_is_noticed() -> None:
    sample = observe_recurrences([0, 0, 1, 1], [3, 6, 2, 5], [0, 1, 0, 0], entry=[1, 4, 0, 2])
    assert sample.with_gaps.tolist() == [True, False]
    assert firsts(sample) == [(5, 0), (6, 1)]


def test_rows_cut_in_two_are_one() -> None:
    cut = observe_recurrences([0, 0], [3, 5], [0, 1], entry=[1, 3])
    assert periods(cut) == [(1, 5, 1, False)]


def test_the_first_recurrence_competes_with_death() -> None:
    """A recurrence at the time of death comes first; after the first one death does not count."""
    sample = observe_recurrences([0, 1, 2, 2, 3], [4, 5, 1, 6, 7], [1, 0, 1, 0, 0], terminal=[1, 1, 0, 1, 0])
    assert firsts(sample) == [(1, 1), (4, 1), (5, 2), (7, 0)]
    assert sample.deaths == 3


def test_times_that_differ_by_rounding_are_one() -> None:
    sample = observe_recurrences([0, 0, 1, 1], [0.3, 0.1 + 0.2, 0.1 + 0.2, 1], [1, 1, 1, 0])
    assert periods(sample) == [(-1, 0.3, 1, False), (-1, 0.3, 2, False), (0.3, 1, 0, False)]
    late = observe_recurrences([0, 0], [0.1 + 0.2, 1], [1, 0], entry=[0, 0.3])
    assert periods(late) == [(0, 0.3, 1, False), (0.3, 1, 0, False)]


def test_samples_split_by_group() -> None:
    sample = observe_recurrences([2, 0, 1, 1], [5, 3, 2, 4], [0, 1, 1, 0], group=[0, 1, 0, 0])
    first, second = sample.split(2)
    assert periods(first) == [(-1, 2, 1, False), (2, 4, 0, False), (-1, 5, 0, False)]
    assert (first.counts.tolist(), second.counts.tolist()) == ([1, 0], [1])
    assert (first.person_time, second.person_time, firsts(second)) == (9, 3, [(3, 1)])


@pytest.mark.parametrize(
    "columns",
    [
        {"time": [], "event": [], "subject": []},
        {"time": [-1, 2]},
        {"time": [1, np.nan]},
        {"entry": [1, 0]},
        {"entry": [1 - 1e-9, 0]},
        {"subject": [0, 0], "time": [3, 4], "entry": [0, 2]},
        {"subject": [0, 0], "terminal": [1, 0]},
        {"subject": [0, 0], "terminal": [1, 0], "entry": [0, 1]},
    ],
    ids=["empty", "negative", "nan", "empty row", "empty row by rounding", "overlap", "after death", "after its death"],
)
def test_what_is_no_sample_is_refused(columns: dict[str, Any]) -> None:
    rows: dict[str, Any] = {"subject": [0, 1], "time": [1, 2], "event": [1, 0], **columns}
    with pytest.raises(InvalidObservationsError):
        observe_recurrences(**rows)


@given(histories())
@settings(deadline=None, max_examples=60)
def test_counts_and_person_time_equal_those_by_definition(sample: Histories) -> None:
    subjects, observed = literal.subjects(sample), sample.observe()
    assert observed.counts.tolist() == [len(one.recurrences) for one in subjects]
    assert observed.deaths == sum(one.death is not None for one in subjects)
    lengths = [period.time - max(period.entry, 0) for one in subjects for period in one.periods]
    assert observed.person_time == sum(lengths)
    last = [max(period.time for period in one.periods) for one in subjects]
    expected = [
        (min(one.recurrences, default=end), 1 if one.recurrences else 2 * (one.death is not None))
        for one, end in zip(subjects, last, strict=True)
    ]
    assert sorted(firsts(observed)) == sorted(expected)


@given(histories(), st.data())
@settings(deadline=None, max_examples=40)
def test_the_order_of_rows_changes_nothing(sample: Histories, data: st.DataObject) -> None:
    other = sample.take(data.draw(st.permutations(range(len(sample.time))))).observe()
    assert periods(other) == periods(sample.observe())
    assert firsts(other) == firsts(sample.observe())
