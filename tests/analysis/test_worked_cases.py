"""The worked cases of the statistical design, each through the whole summary and by every convention."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.comparison import ComparisonOptions
from app.analysis.conventions import CONVENTIONS, ConventionName
from app.analysis.landmarks import Tally
from app.analysis.observations import observe
from app.analysis.quantiles import Quantile
from app.analysis.restricted_mean import RestrictedMean
from app.analysis.survival import SurvivalEstimate, SurvivalOptions
from app.analysis.survival_summary import SurvivalSummary, summarize_survival

NAN = np.nan
each_convention = pytest.mark.parametrize("name", list(CONVENTIONS))


def summarized(
    time: list[float], event: list[int], name: ConventionName, *, group: list[int] | None = None, **asked: Any
) -> SurvivalSummary:
    groups = 0 if group is None else max(group) + 1
    options = SurvivalOptions(CONVENTIONS[name], **asked)
    return summarize_survival(observe(time, event, group=group), groups, options, ComparisonOptions())


def estimated(time: list[float], event: list[int], name: ConventionName, **asked: Any) -> SurvivalEstimate:
    found = summarized(time, event, name, **asked).overall
    assert found is not None
    return found


def counts_of(found: Tally | None) -> list[FloatArray]:
    """Return those at risk, the events and the censored."""
    assert found is not None
    return [found.at_risk, found.events, found.censored]


@pytest.mark.parametrize(("name", "median"), [("r", 102.5), ("sas", NAN), ("spss", 87), ("stata", 87)])
def test_survival_of_one_half_up_to_the_end_of_follow_up(name: ConventionName, median: float) -> None:
    """54, 75, 77, 84, 87, 92+, 103+, 105+, 112+, 118+: S = 9/10, .., 5/10 from 87 on to 118.

    The middle of 87 and 118 is 102.5; never below 1/2, so missing for SAS; first at 1/2 at 87. A quarter have died at
    77, where S falls from 8/10 to 7/10. SAS's mean runs to 87: 54 + 21 x 0.9 + 2 x 0.8 + 7 x 0.7 + 3 x 0.6 = 83.6;
    those of the others to 118: 31 x 0.5 = 15.5 more.
    """
    event = [1] * 5 + [0] * 5
    found = estimated([54, 75, 77, 84, 87, 92, 103, 105, 112, 118], event, name)
    np.testing.assert_equal(found.median.estimate, median)
    assert found.quantiles[0].estimate == 77
    assert np.isnan(found.quantiles[2].estimate)
    assert (found.median.reason or "").startswith("not reached: survival stays at 0.5") == (name == "sas")
    mean = found.restricted_mean
    horizon, area = (87, 54 + 18.9 + 1.6 + 4.9 + 1.8) if name == "sas" else (118, 54 + 18.9 + 1.6 + 4.9 + 1.8 + 15.5)
    assert [mean.horizon, mean.estimate] == pytest.approx([horizon, area])


@each_convention
def test_floats_that_miss_one_half(name: ConventionName) -> None:
    """Of n = 2 m subjects m die at 1, .., m: S = (n-1)/n (n-2)/(n-1) .. m/(m+1), which is 1/2 though floats miss it.

    The next dies at m + 2: the flat is [m, m + 2), its middle m + 1.
    """
    missed = 0
    for half in range(1, 40):
        time = [float(day) for day in [*range(1, half + 1), *range(half + 2, 2 * half + 2)]]
        found = estimated(time, [1] * len(time), name)
        assert found.median.estimate == (half + 1 if name in ("r", "sas") else half)
        missed += found.curve.survival[half - 1] != 0.5
    assert missed > 5


@each_convention
def test_survival_of_zero(name: ConventionName) -> None:
    """Deaths at 1, 1, 3: S = 1/3, then 0 for ever, by any convention, with neither error nor interval.

    The median is 1, as is the quantile of 1/4; that of 3/4 is 3. The mean is 1 + 2/3 whatever the horizon.
    """
    found = estimated([1, 3, 1], [1, 1, 1], name, landmarks=(3, 99), horizon=50)
    assert [rate.survival for rate in found.rates] == [0, 0]
    for rate in found.rates:
        assert np.isnan([rate.standard_error, rate.lower, rate.upper]).all()
        assert rate.reason == "no interval at 0"
    assert np.isnan([found.curve.standard_error[-1], found.curve.lower[-1], found.curve.upper[-1]]).all()
    assert [one.estimate for one in found.quantiles] == [1, 1, 3]
    assert found.restricted_mean.estimate == pytest.approx(5 / 3)


@each_convention
def test_times_that_differ_by_rounding_alone(name: ConventionName) -> None:
    """0.1 + 0.2, 0.3 and 0.3 + 1e-9 are one time, with two deaths and a censoring after them: S = 2/4 from 0.3 on.

    The last dies at 1: the flat [0.3, 1) has its middle at 0.65. At 0.3 all 4 are at risk; two have died by then.
    """
    found = estimated([0.3 + 1e-9, 1, 0.1 + 0.2, 0.3], [0, 1, 1, 1], name, landmarks=(0.3,), risk_table_times=(0.3,))
    assert found.curve.time.tolist() == [0.3, 1]
    assert found.curve.table.at_risk.tolist() == [4, 1]
    assert found.median.estimate == (pytest.approx(0.65) if name in ("r", "sas") else 0.3)
    assert (found.rates[0].at_risk, found.rates[0].events, found.rates[0].survival) == (4, 2, 0.5)
    assert [float(count[0]) for count in counts_of(found.risk_table)] == [1, 2, 1]


@each_convention
def test_deaths_at_time_0(name: ConventionName) -> None:
    """Of 4 one dies at 0 and another is censored; of 2 left one dies at 4: S = 3/4 from 0, 3/8 from 4 on.

    The median is 4; the density starts at the origin, where S is 1 only before: 1 at u = 0, S = 3/8 at l = 4. The mean
    up to 4 is 3; with the last follow-up at 6 it is 3 + 2 x 3/8. Person-time is 4 + 6.
    """
    found = estimated([0, 0, 4, 6], [1, 0, 1, 0], name, landmarks=(0,), risk_table_times=(0,))
    assert found.curve.time.tolist() == [0, 4, 6]
    assert found.curve.survival.tolist() == [3 / 4, 3 / 8, 3 / 8]
    assert (found.rates[0].at_risk, found.rates[0].survival) == (4, 3 / 4)
    assert [float(count[0]) for count in counts_of(found.risk_table)] == [2, 1, 1]
    assert found.median.estimate == 4
    assert found.restricted_mean.estimate == (3 if name == "sas" else 3.75)
    assert found.person_time == 10
    density = (3 / 4 - 3 / 8) / 4
    variance = 1 / (4 * 3) + 1 / (2 * 1)
    assert found.median.standard_error == pytest.approx(3 / 8 * variance**0.5 / density)


@each_convention
def test_all_die_at_time_0(name: ConventionName) -> None:
    """S = 0 at once: the median is 0 and no mean has a horizon."""
    found = estimated([0, 0], [1, 1], name)
    assert found.median.estimate == 0
    assert found.median.reason is not None
    mean = found.restricted_mean
    assert (mean.horizon, mean.reason) == (0, "the horizon, 0, is not after the start")
    assert np.isnan(found.restricted_mean.estimate)
    assert found.person_time == 0


@each_convention
def test_one_subject_who_dies(name: ConventionName) -> None:
    """At 5: S = 0 from then on, the median is 5, the mean 5 with variance 0, but of one event SAS has none."""
    found = estimated([5], [1], name)
    assert (found.subjects, found.events, found.person_time) == (1, 1, 5)
    assert found.median.estimate == 5
    assert np.isnan(found.median.standard_error)
    assert found.restricted_mean.estimate == 5
    np.testing.assert_equal(found.restricted_mean.standard_error, NAN if name == "sas" else 0.0)
    assert found.follow_up.median == 5
    assert np.isnan(found.follow_up.reverse_kaplan_meier.estimate)


@each_convention
def test_one_subject_who_lives(name: ConventionName) -> None:
    """To 5: S = 1, no median, the mean is 5 up to 5, but without event SAS has no horizon; follow-up is 5."""
    found = estimated([5], [0], name)
    assert found.curve.survival.tolist() == [1]
    assert found.median.reason == "not reached: survival stays above 0.5"
    np.testing.assert_equal(found.restricted_mean.estimate, NAN if name == "sas" else 5.0)
    assert found.follow_up.reverse_kaplan_meier.estimate == 5


@each_convention
def test_no_events(name: ConventionName) -> None:
    """S = 1 with standard error 0; no test, no hazard ratio, but means of 4 up to the end of the shorter follow-up."""
    found = summarized([2, 4, 3, 6], [0] * 4, name, group=[0, 0, 1, 1])
    assert found.overall is not None
    assert found.overall.curve.survival.tolist() == [1] * 4
    assert found.overall.curve.standard_error.tolist() == [0] * 4
    assert np.isnan([one.estimate for one in found.overall.quantiles]).all()
    assert found.comparison is not None
    (test,) = found.comparison.tests
    assert np.isnan(test.p_value)
    assert (test.reason or "").startswith("the variance is 0: no event")
    (ratio,) = found.comparison.hazard_ratios
    assert np.isnan(ratio.hazard_ratio)
    (pair,) = found.comparison.restricted_mean_differences
    assert pair.horizon == 4
    if name == "sas":
        assert pair.compared.difference == 0
        assert pair.reason == "no standard error: fewer than 2 events"
    else:
        assert (pair.compared.difference, pair.compared.standard_error, pair.compared.ratio) == (0, 0, 1)


@each_convention
def test_all_events_at_one_time(name: ConventionName) -> None:
    """All 3 die at 7: S falls from 1 to 0; every quantile is 7 without error, the mean 7 with variance 0."""
    found = estimated([7, 7, 7], [1, 1, 1], name)
    assert [one.estimate for one in found.quantiles] == [7, 7, 7]
    assert {one.reason.split(";")[0] for one in found.quantiles if one.reason} == {
        "no standard error: survival is 0 at the estimate"
    }
    assert (found.restricted_mean.estimate, found.restricted_mean.standard_error) == (7, 0)


@each_convention
def test_two_groups_with_all_events_at_one_time(name: ConventionName) -> None:
    """Of A 2 of 2 die at 7 and of B 1 of 2: d = 3 of n = 4, the expected of A 3/2, V = 3 (1/3) (1/4) = 1/4, U = 1/2."""
    found = summarized([7, 7, 7, 7], [1, 1, 1, 0], name, group=[0, 0, 1, 1]).comparison
    assert found is not None
    assert found.tests[0].statistic == pytest.approx((1 / 2) ** 2 / (1 / 4))


@pytest.mark.parametrize(("name", "width"), [("r", 1.959963984540054), ("spss", 1.96)])
def test_spss_takes_1_96(name: ConventionName, width: float) -> None:
    """Of the mean of deaths at 1, 2, 3, whose standard error is sqrt(2 / 9)."""
    mean = estimated([1, 2, 3], [1, 1, 1], name).restricted_mean
    assert (mean.upper - mean.estimate) / (2 / 9) ** 0.5 == pytest.approx(width, rel=1e-13)


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 1)), min_size=1, max_size=12),
    st.sampled_from(list(CONVENTIONS)),
    st.integers(0, 12),
)
@settings(deadline=None)
def test_what_is_missing_has_a_reason(sample: list[tuple[int, int]], name: ConventionName, landmark: int) -> None:
    """In the median, the restricted mean and the rates of any sample."""
    found = estimated([row[0] for row in sample], [row[1] for row in sample], name, landmarks=(landmark,))
    figures: list[Quantile | RestrictedMean] = [found.median, *found.quantiles, found.follow_up.reverse_kaplan_meier]
    for one in (*figures, found.restricted_mean):
        missing = np.isnan([one.estimate, one.standard_error, one.lower, one.upper]).any()
        assert missing == (one.reason is not None)
    (rate,) = found.rates
    missing = np.isnan([rate.survival, rate.standard_error, rate.lower, rate.upper]).any()
    assert missing == (rate.reason is not None)
