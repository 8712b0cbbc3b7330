"""Counts of groups at the event times: by hand, and row by row."""

import numpy as np
from hypothesis import given, settings

from app.analysis.event_times import event_times
from app.analysis.observations import observe
from tests.strategies import Rows, rows


def test_counts_with_entry_and_strata_by_hand() -> None:
    """In stratum 0 an event at 2, when the one who enters at 2 is not at risk yet; in stratum 1 events at 2 and 5."""
    observations = observe(
        [2, 3, 2, 5, 5],
        [True, False, True, True, False],
        entry=[0, 2, 1, 0, 4],
        group=[0, 1, 1, 0, 1],
        stratum=[0, 0, 1, 1, 1],
    )
    found = event_times(observations, 2)
    assert (found.time.tolist(), found.stratum.tolist()) == ([2, 2, 5], [0, 1, 1])
    assert found.events.tolist() == [[1, 0, 1], [0, 1, 0]]
    assert found.at_risk.tolist() == [[1, 1, 1], [0, 1, 1]]
    assert (found.all_events.tolist(), found.all_at_risk.tolist()) == ([1, 1, 1], [1, 2, 2])


def test_of_some_groups_are_their_event_times_alone() -> None:
    found = event_times(observe([1, 2, 3, 4], [True] * 4, group=[0, 1, 2, 0]), 3).of([0, 2])
    assert found.time.tolist() == [1, 3, 4]
    assert found.events.tolist() == [[1, 0, 1], [0, 1, 0]]
    assert found.at_risk.tolist() == [[2, 1, 1], [1, 1, 0]]


def test_events_with_sampling_weights_are_counted_by_weight_and_by_row() -> None:
    found = event_times(observe([1, 1, 2], [True, True, False], weight=[2.5, 0.5, 1.0], sampling=True), 1)
    assert (found.events.tolist(), found.rows.tolist()) == ([[3.0]], [[2.0]])


@given(rows(group=True, stratum=None, near_ties=True))
@settings(deadline=None)
def test_counts_equal_those_row_by_row(sample: Rows) -> None:
    observations = sample.observe()
    found = event_times(observations, sample.groups)
    entry = np.full(observations.size, -1.0) if observations.entry is None else observations.entry
    strata = np.zeros(observations.size) if observations.stratum is None else observations.stratum
    columns = (observations.time, entry, observations.event, strata, observations.groups, observations.weights)
    subjects = list(zip(*(column.tolist() for column in columns), strict=True))
    moments = sorted({(stratum, time) for time, _, event, stratum, _, _ in subjects if event})
    assert list(zip(found.stratum.tolist(), found.time.tolist(), strict=True)) == moments
    for place, (stratum, moment) in enumerate(moments):
        for code in range(sample.groups):
            there = [one for one in subjects if one[3:5] == (stratum, code) and one[1] < moment <= one[0]]
            died = [one for one in there if one[2] and one[0] == moment]
            assert found.at_risk[code, place] == sum(one[5] for one in there)
            assert found.events[code, place] == sum(one[5] for one in died)
            assert found.rows[code, place] == found.events[code, place]
