"""The mean cumulative count: by hand, literally, and by its properties."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.errors import InvalidParameterError
from app.analysis.hazard_ratios import robust_score_test
from app.analysis.kaplan_meier import kaplan_meier
from app.analysis.landmarks import BEYOND_FOLLOW_UP
from app.analysis.mean_cumulative_count import mean_cumulative_count, mean_cumulative_count_test
from app.analysis.observations import observe
from app.analysis.recurrent import observe_recurrences
from tests.analysis import recurrent_samples as literal
from tests.analysis.recurrent_samples import Histories, histories

NO_SPREAD = "the variance is 0: no event that counts at a time when two groups were at risk"


def test_counts_add_up_by_hand() -> None:
    """Three subjects: recurrences at 1 (of 3 at risk) and 4 (of 2), none after 5.

    At 1 the first subject has moved the mean by (1 - 1/3)/3, each of the others by -1/3/3; at 4 the second by
    (1 - 1/2)/2, the first by -1/2/2 in addition: 4/81 + 1/81 + 1/81 and (2/9 - 1/4)^2 + (-1/9 + 1/4)^2 + 1/81.
    """
    count = mean_cumulative_count(observe_recurrences([0, 0, 1, 1, 2], [1, 5, 4, 5, 3], [1, 0, 1, 0, 0]))
    np.testing.assert_array_equal(count.time, [1, 3, 4, 5])
    np.testing.assert_array_equal(count.at_risk, [3, 3, 2, 2])
    np.testing.assert_array_equal(count.events, [1, 0, 1, 0])
    np.testing.assert_array_equal(count.survival, 1)
    np.testing.assert_allclose(count.estimate, [1 / 3, 1 / 3, 5 / 6, 5 / 6], rtol=1e-15)
    variance = [6 / 81, 6 / 81, 1 / 1296 + 25 / 1296 + 1 / 81, 1 / 1296 + 25 / 1296 + 1 / 81]
    np.testing.assert_allclose(count.standard_error, np.sqrt(variance), rtol=1e-14)
    factor = np.exp(1.959963984540054 * count.standard_error / count.estimate)
    np.testing.assert_allclose(count.lower, count.estimate / factor, rtol=1e-14)
    np.testing.assert_allclose(count.upper, count.estimate * factor, rtol=1e-14)


def test_the_dead_have_no_more_recurrences_by_hand() -> None:
    """Deaths at 2 (one of 4) leave S = 3/4; the recurrence at 3 of one of 3 adds 3/4 x 1/3: 1/4, one of 4 subjects.

    Nobody is censored before, so that the count is that of the subjects, and its variance 1/4 x 3/4 / 4.
    """
    sample = observe_recurrences([0, 1, 1, 2, 3], [2, 3, 5, 5, 5], [0, 1, 0, 0, 0], terminal=[1, 0, 0, 0, 0])
    count = mean_cumulative_count(sample)
    np.testing.assert_allclose(count.survival, [3 / 4, 3 / 4, 3 / 4], rtol=1e-15)
    np.testing.assert_allclose(count.estimate, [0, 1 / 4, 1 / 4], rtol=1e-15)
    np.testing.assert_allclose(count.standard_error, [0, np.sqrt(3 / 64), np.sqrt(3 / 64)], rtol=1e-14)


def test_a_recurrence_at_the_time_of_a_death_comes_first() -> None:
    """At 2 one of 2 has a recurrence, whose weight is not yet S = 1/2; at 3 it is, of 1 at risk."""
    sample = observe_recurrences([0, 1, 1], [2, 2, 3], [0, 1, 1], terminal=[1, 0, 0])
    np.testing.assert_allclose(mean_cumulative_count(sample).estimate, [1 / 2, 1], rtol=1e-15)


def test_plain_limits_stop_at_0() -> None:
    count = mean_cumulative_count(observe_recurrences([0, 1, 2], [1, 2, 2], [1, 0, 0]), interval="plain")
    assert count.lower[0] == 0
    assert count.upper[0] == pytest.approx(1 / 3 + 1.959963984540054 * np.sqrt(6) / 9)


def test_without_spread_there_are_no_limits() -> None:
    """All have the same history; or there is one subject, of which no error can be told."""
    same = mean_cumulative_count(observe_recurrences([0, 1, 2], [1, 1, 1], [1, 1, 1]))
    alone = mean_cumulative_count(observe_recurrences([0, 0], [1, 3], [1, 0]))
    np.testing.assert_array_equal(same.standard_error, [0])
    np.testing.assert_array_equal(alone.standard_error, [np.nan, np.nan])
    for count in (same, alone):
        np.testing.assert_array_equal(count.estimate, 1)
        assert np.isnan([count.lower, count.upper]).all()


def test_landmarks_by_hand() -> None:
    """Before the first recurrence the count is 0; a time that ties with it by rounding comes after it."""
    sample = observe_recurrences([0, 0, 1], [0.1 + 0.2, 5, 4], [1, 0, 0])
    before, tied, later, beyond = mean_cumulative_count(sample).at([0.2, 0.3, 4.5, 6], carries_forward=False)
    assert (before.at_risk, before.recurrences, before.estimate, before.standard_error) == (2, 0, 0, 0)
    assert before.reason == "no interval at 0"
    assert (tied.time, tied.at_risk, tied.recurrences, tied.estimate, tied.reason) == (0.3, 2, 1, 0.5, None)
    assert (later.at_risk, later.estimate) == (1, 0.5)
    assert (beyond.at_risk, beyond.recurrences, beyond.reason) == (0, 1, BEYOND_FOLLOW_UP)
    assert np.isnan([beyond.estimate, beyond.standard_error, beyond.lower, beyond.upper]).all()
    (carried,) = mean_cumulative_count(sample).at([6], carries_forward=True)
    assert (carried.estimate, carried.reason) == (0.5, None)


def test_once_all_are_dead_the_count_is_known_for_ever() -> None:
    count = mean_cumulative_count(observe_recurrences([0, 1], [2, 3], [1, 0], terminal=[1, 1]))
    (later,) = count.at([9], carries_forward=False)
    assert (later.estimate, later.reason) == (0.5, None)


@pytest.mark.parametrize("option", [{"confidence_level": 1.0}, {"interval": "log-log"}])
def test_options_out_of_range_are_refused(option: dict[str, object]) -> None:
    with pytest.raises(InvalidParameterError):
        mean_cumulative_count(observe_recurrences([0], [1], [1]), **option)  # type: ignore[arg-type]


@given(histories())
@settings(deadline=None, max_examples=60)
def test_estimate_and_error_equal_those_by_definition(sample: Histories) -> None:
    """The mean cumulative count in exact fractions, and the derivative by the weight of each cluster."""
    subjects = literal.subjects(sample)
    count = mean_cumulative_count(sample.observe())
    np.testing.assert_allclose(count.estimate, [float(literal.mean_count(subjects, time)) for time in count.time])
    variance = [float(literal.jackknife_variance(subjects, time)) for time in count.time]
    if len({one.cluster for one in subjects}) == 1:
        assert np.isnan(count.standard_error).all()
    else:
        np.testing.assert_allclose(count.standard_error**2, variance, rtol=1e-8, atol=1e-11)


@given(histories())
@settings(deadline=None, max_examples=40)
def test_landmarks_equal_the_definition(sample: Histories) -> None:
    """Half-way between times too, and up to the last follow-up."""
    subjects = literal.subjects(sample)
    times = [half / 2 for half in range(int(2 * max(sample.time)) + 1)]
    found = mean_cumulative_count(sample.observe()).at(times, carries_forward=False)
    assert [one.at_risk for one in found] == [float(literal.at_risk(subjects, time, {})) for time in times]
    assert [one.estimate for one in found] == pytest.approx([float(literal.mean_count(subjects, t)) for t in times])
    assert [one.recurrences for one in found] == [
        sum(recurred <= time for one in subjects for recurred in one.recurrences) for time in times
    ]


@given(histories(terminal=False))
@settings(deadline=None, max_examples=30)
def test_of_first_events_alone_it_is_the_cumulative_hazard_with_its_jackknife(sample: Histories) -> None:
    first = sample.observe().first
    alone = observe_recurrences(range(first.size), first.time, first.event, entry=first.entry)
    curve = kaplan_meier(observe(first.time, first.event, entry=first.entry, cluster=range(first.size)))
    count = mean_cumulative_count(alone)
    np.testing.assert_allclose(count.estimate, curve.cumulative_hazard, rtol=1e-12)
    if first.size > 1:
        expected = curve.cumulative_hazard_standard_error
        np.testing.assert_allclose(count.standard_error, expected, rtol=1e-7, atol=1e-6)


class TestEqualCounts:
    def test_two_groups_by_hand(self) -> None:
        """Recurrences at 1 in either group (2 and 1 at risk), at 2 in the first (1 and 1 at risk).

        U = 2 - (2 x 2/3 + 1/2) = 1/6. Residuals (1 - 2/3)(1 - 2/3) = 4/36; -(1/3)(2/3) + (1/2)(1/2) = 1/36; and
        -(2/3)(1/3) + (1/2)(1/2) = 1/36, so that V = 18/36^2.
        """
        sample = observe_recurrences([0, 1, 2, 2], [2, 1, 1, 3], [1, 1, 1, 0], group=[0, 0, 1, 1])
        test = mean_cumulative_count_test(sample, 2)
        assert test.observed is not None
        assert test.expected is not None
        np.testing.assert_array_equal(test.observed, [2, 1])
        np.testing.assert_allclose(test.expected, [11 / 6, 7 / 6], rtol=1e-15)
        assert test.statistic == pytest.approx(2)
        assert test.degrees_of_freedom == 1

    def test_without_a_recurrence_when_groups_are_compared_there_is_no_test(self) -> None:
        test = mean_cumulative_count_test(observe_recurrences([0, 1], [2, 1], [1, 0], group=[0, 1]), 2)
        assert (test.degrees_of_freedom, test.reason) == (0, NO_SPREAD)
        assert np.isnan([test.statistic, test.p_value]).all()

    def test_with_no_more_clusters_than_degrees_of_freedom_there_is_no_test(self) -> None:
        sample = observe_recurrences([0, 1, 2], [1, 3, 4], [1, 1, 0], group=[0, 1, 1], cluster=[0, 0, 0])
        test = mean_cumulative_count_test(sample, 2)
        assert test.reason == "there are no more clusters than degrees of freedom"
        assert np.isnan([test.statistic, test.p_value]).all()

    def test_without_any_recurrence_there_is_no_test(self) -> None:
        test = mean_cumulative_count_test(observe_recurrences([0, 1], [2, 1], [0, 0], group=[0, 1]), 2)
        assert (test.degrees_of_freedom, test.reason) == (0, NO_SPREAD)

    def test_a_cluster_counts_though_its_influences_cancel(self) -> None:
        """Of 3 subjects at risk one has no influence: 2 degrees of freedom, and the robust score test has them too."""
        sample = observe_recurrences(
            [0, 1, 2, 2, 2], [2, 1.001, 0.002, 0.003, 1.004], [0, 1, 1, 1, 1], group=[0, 1, 2, 2, 2]
        )
        ours, theirs = mean_cumulative_count_test(sample, 3), robust_score_test(sample.rows, 3)
        assert (ours.degrees_of_freedom, ours.reason) == (theirs.degrees_of_freedom, theirs.reason) == (2, None)
        assert ours.statistic == pytest.approx(theirs.statistic)

    @given(histories(group=True))
    @settings(deadline=None, max_examples=60)
    def test_score_and_variance_equal_those_by_definition(self, sample: Histories) -> None:
        groups = sample.groups
        test = mean_cumulative_count_test(sample.observe(), groups)
        score, variance = literal.score_and_variance(literal.subjects(sample), groups)
        assert test.observed is not None
        assert test.expected is not None
        np.testing.assert_allclose(test.observed - test.expected, [float(one) for one in score], atol=1e-12)
        if test.degrees_of_freedom > 0:
            covariance = np.array([[float(entry) for entry in row] for row in variance])
            inverse = np.linalg.pinv(covariance, rtol=1e-9, hermitian=True)
            u = np.array([float(one) for one in score])
            assert test.statistic == pytest.approx(u @ inverse @ u, rel=1e-6)

    @given(histories(group=True, terminal=False, entry=False))
    @settings(deadline=None, max_examples=40)
    def test_without_deaths_and_ties_it_is_the_robust_score_test(self, sample: Histories) -> None:
        """Efron's treatment of ties, which that test has, makes no difference where times are apart."""
        apart = replace(sample, time=[time + place / 1000 for place, time in enumerate(sample.time)]).observe()
        ours = mean_cumulative_count_test(apart, sample.groups)
        theirs = robust_score_test(apart.rows, sample.groups)
        assert (ours.degrees_of_freedom, ours.reason) == (theirs.degrees_of_freedom, theirs.reason)
        np.testing.assert_allclose(
            [ours.statistic, ours.p_value], [theirs.statistic, theirs.p_value], rtol=1e-7, atol=1e-12
        )

    @given(histories(group=True), st.data())
    @settings(deadline=None, max_examples=30)
    def test_the_order_of_rows_changes_no_bit(self, sample: Histories, data: st.DataObject) -> None:
        other = sample.take(data.draw(st.permutations(range(len(sample.time)))))
        ours, theirs = (mean_cumulative_count_test(one.observe(), sample.groups) for one in (sample, other))
        np.testing.assert_array_equal([ours.statistic, ours.p_value], [theirs.statistic, theirs.p_value])
        for mine, its in zip(sample.observe().split(sample.groups), other.observe().split(sample.groups), strict=True):
            first, second = mean_cumulative_count(mine), mean_cumulative_count(its)
            for name in ("time", "at_risk", "events", "estimate", "standard_error", "lower", "upper"):
                np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
