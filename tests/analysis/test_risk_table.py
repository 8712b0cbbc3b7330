"""Counts at risk: by hand, subject by subject, and R's with delayed entry."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings

from app.analysis.arrays import FloatArray
from app.analysis.observations import observe
from app.analysis.risk_table import count_at_risk, greenwood_terms, per_survivor, risk_table
from tests import literal
from tests.references import blocks, numbers, sample
from tests.strategies import LAST_TIME, Rows, rows, shuffled


def test_all_four_kinds_of_ties_by_hand() -> None:
    """Two events at 2; an event, a censoring and an entry at 3; two censorings at 4; an entry at 2 and one at 3."""
    table = risk_table(observe([5, 2, 3, 4, 2, 3, 4, 6], [1, 1, 1, 0, 1, 0, 0, 0], entry=[3, 0, 0, 0, 0, 0, 0, 2]))
    np.testing.assert_array_equal(table.time, [2, 3, 4, 5, 6])
    np.testing.assert_array_equal(table.at_risk, [6, 5, 4, 2, 1])
    np.testing.assert_array_equal(table.events, [2, 1, 0, 1, 0])
    np.testing.assert_array_equal(table.censored, [0, 1, 2, 0, 1])
    np.testing.assert_array_equal(table.position, [0, 1, 1, 2, 3, 4])


@pytest.mark.parametrize(
    ("sample", "at_risk", "events", "censored"),
    [
        pytest.param(Rows([1, 1, 2], [1, 1, 1]), [3, 1], [2, 1], [0, 0], id="event and event"),
        pytest.param(Rows([1, 1, 2], [0, 1, 1]), [3, 1], [1, 1], [1, 0], id="event and censoring"),
        pytest.param(Rows([1, 1, 2], [0, 0, 1]), [3, 1], [0, 1], [2, 0], id="censoring and censoring"),
        pytest.param(Rows([1, 2, 2], [1, 1, 1], entry=[0, 1, 0]), [2, 2], [1, 2], [0, 0], id="entry and event"),
        pytest.param(Rows([1, 2], [1, 1], entry=[0, 1]), [1, 1], [1, 1], [0, 0], id="none left when the next enters"),
        pytest.param(Rows([0, 0, 1], [1, 0, 1]), [3, 1], [1, 1], [1, 0], id="ends at time 0"),
        pytest.param(Rows([2], [1], entry=[1]), [1], [1], [0], id="one subject"),
        pytest.param(Rows([1, 1], [2, 3]), [2], [2], [0], id="events of every cause"),
    ],
)
def test_ties_and_edges_by_hand(sample: Rows, at_risk: list[int], events: list[int], censored: list[int]) -> None:
    table = risk_table(sample.observe())
    np.testing.assert_array_equal(table.at_risk, at_risk)
    np.testing.assert_array_equal(table.events, events)
    np.testing.assert_array_equal(table.censored, censored)


def test_weights_are_counted() -> None:
    table = risk_table(observe([1, 1, 2, 3], [1, 0, 1, 0], entry=[0, 0, 1, 2], weight=[2, 3, 4, 5]))
    np.testing.assert_array_equal(table.at_risk, [5, 4, 5])
    np.testing.assert_array_equal(table.events, [2, 4, 0])
    np.testing.assert_array_equal(table.censored, [3, 0, 5])


def test_at_risk_at_and_between_and_beyond_the_follow_up_times() -> None:
    """Who enters or ends at t: the one is at risk only after it, the other still is."""
    observations = observe([2, 4, 4], [1, 0, 1], entry=[0, 1, 2], weight=[1, 2, 3])
    times = np.array([9.0, 0, 0.5, 1, 1.5, 2, 2.5, 4, 4.5])
    np.testing.assert_array_equal(count_at_risk(observations, times), [0, 0, 1, 1, 3, 3, 5, 5, 0])


def test_everybody_is_at_risk_at_time_0_without_entry() -> None:
    np.testing.assert_array_equal(count_at_risk(observe([0, 1], [1, 1]), np.array([0.0, 1e-6])), [2, 1])


def test_variance_terms_by_hand() -> None:
    """1 of 4, then 2 of 3, then nobody of 1, who is censored; and 1 of 1, after which nobody is left."""
    table = risk_table(observe([1, 2, 2, 3], [1, 1, 1, 0]))
    np.testing.assert_array_equal(per_survivor(table.at_risk, table.events), [1 / 3, 1, 1])
    np.testing.assert_allclose(greenwood_terms(table.at_risk, table.events), [1 / 12, 2 / 3, 0], rtol=1e-15)
    last = np.array([1.0])
    assert per_survivor(last, last) == greenwood_terms(last, last) == [0]


@given(rows(near_ties=True))
@settings(deadline=None)
def test_counts_equal_those_subject_by_subject(sample: Rows) -> None:
    observations = sample.observe()
    subjects = literal.subjects(observations)
    table = risk_table(observations)
    assert table.time.tolist() == sorted({subject.time for subject in subjects})
    for place, time in enumerate(table.time):
        assert table.at_risk[place] == literal.count(literal.risk_set(subjects, time))
        assert table.events[place] == literal.count(literal.failures(subjects, time))
        ending = [subject for subject in subjects if subject.time == time]
        assert table.events[place] + table.censored[place] == literal.count(ending)
    np.testing.assert_array_equal(table.time[table.position], observations.time)


@given(rows())
@settings(deadline=None)
def test_at_risk_at_any_time_equals_the_count_subject_by_subject(sample: Rows) -> None:
    observations = sample.observe()
    subjects = literal.subjects(observations)
    times: FloatArray = np.arange(0, LAST_TIME + 1, 0.5)
    expected = [literal.count(literal.risk_set(subjects, time)) for time in times]
    np.testing.assert_array_equal(count_at_risk(observations, times), np.array(expected, dtype=float))


@given(rows())
@settings(deadline=None)
def test_at_risk_changes_by_who_leaves_and_who_enters(sample: Rows) -> None:
    observations = sample.observe()
    table = risk_table(observations)
    entries = np.full(observations.size, -1.0) if observations.entry is None else observations.entry
    for before, after in pairwise(range(table.time.size)):
        entering = observations.weights[(entries >= table.time[before]) & (entries < table.time[after])].sum()
        leaving = table.events[before] + table.censored[before]
        assert table.at_risk[after] == table.at_risk[before] - leaving + entering


@given(shuffled(rows(near_ties=True)))
@settings(deadline=None)
def test_the_order_of_rows_changes_no_bit(samples: tuple[Rows, Rows]) -> None:
    first, second = (risk_table(rows.observe()) for rows in samples)
    for name in ("time", "at_risk", "events", "censored", "position"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), strict=True)


@given(rows(weight=True))
@settings(deadline=None)
def test_weights_are_replicated_rows(sample: Rows) -> None:
    weighted, replicated = risk_table(sample.observe()), risk_table(sample.replicated().observe())
    for name in ("time", "at_risk", "events", "censored"):
        np.testing.assert_array_equal(getattr(weighted, name), getattr(replicated, name))


@pytest.mark.parametrize("place", [0, 1], ids=["overall", "by_group"])
def test_landmark_counts_with_delayed_entry_equal_those_of_r(place: int) -> None:
    block = blocks("myeloma", "km")[place]
    observations, labels = sample("myeloma", block)
    for part, stratum in zip(observations.split(max(len(labels), 1)), block["strata"], strict=True):
        landmarks = stratum["landmarks"]
        np.testing.assert_array_equal(count_at_risk(part, numbers(landmarks["times"])), landmarks["n_risk_count"])
