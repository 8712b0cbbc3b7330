"""Groups compared: tests of equal hazards, pairs of groups, restricted means, hazard ratios."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import isnan

import numpy as np

from app.analysis.conventions import Ties
from app.analysis.event_times import EventTimes, event_times
from app.analysis.hazard_ratios import HazardRatio, fit_groups, hazard_ratios, robust_score_test
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.logrank import Weighting, logrank_test, trend_test
from app.analysis.max_combo import max_combo_test
from app.analysis.multiple_testing import Adjustment, adjusted_p_values
from app.analysis.observations import Observations
from app.analysis.proportional_hazards import groups_proportional
from app.analysis.restricted_mean import RestrictedMeanDifference, compare_restricted_means
from app.analysis.survival import SurvivalEstimate, SurvivalOptions, means_until


@dataclass(frozen=True, slots=True)
class Trend:
    """The log-rank test for trend over the groups, with their scores; None scores them 1, 2, .."""

    scores: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class MaxCombo:
    """The largest of four Fleming-Harrington tests of two groups."""


SurvivalTest = Weighting | Trend | MaxCombo


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """How groups are compared; `pairwise` is how p values of pairs are adjusted, None where none are asked for."""

    tests: Sequence[SurvivalTest] = (Weighting(),)
    pairwise: Adjustment | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two groups, by their codes."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class PairTest:
    """A test of two groups alone, with its p value adjusted for the number of pairs; NaN where it does not exist."""

    pair: Pair
    test: HypothesisTest
    adjusted_p_value: float


@dataclass(frozen=True, slots=True)
class PairDifference:
    """Restricted means of two groups compared up to `horizon`; NaN where one does not exist, with the reason."""

    pair: Pair
    horizon: float
    compared: RestrictedMeanDifference
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Groups compared: tests of equal hazards, differences of restricted means, hazard ratios.

    `strata` is the number of strata that tests and hazard ratios are adjusted for, 1 without any; `tests` are those
    `asked` for, in this order, and robust-score after them where rows are dependent; `proportional` tests whether
    hazard ratios are constant in time.
    """

    strata: int
    asked: Sequence[SurvivalTest]
    tests: list[HypothesisTest]
    pairwise: list[PairTest]
    restricted_mean_differences: list[PairDifference]
    hazard_ratios: list[HazardRatio]
    proportional: HypothesisTest


def compare_survival(
    observations: Observations,
    estimates: Sequence[SurvivalEstimate],
    options: SurvivalOptions,
    comparison: ComparisonOptions,
    *,
    cause: int | None = None,
) -> Comparison:
    """Compare groups whose estimates, for the same `cause`, are given in the order of their codes.

    Where rows share clusters or have sampling weights, the score test of a Cox model with the variance of Lin & Wei
    stands beside the tests that take rows as independent. Restricted means are compared up to the horizon asked for, or
    the shortest of the groups' largest follow-up times, where every curve is known (Royston & Parmar 2013).

    Examples
    --------
    >>> from app.analysis.conventions import CONVENTIONS
    >>> from app.analysis.observations import observe
    >>> from app.analysis.survival import estimate_survival
    >>> sample, options = observe([1, 2, 3, 4], [True] * 4, group=[0, 1, 0, 1]), SurvivalOptions(CONVENTIONS["r"])
    >>> estimates = [estimate_survival(part, options) for part in sample.split(2)]
    >>> found = compare_survival(sample, estimates, options, ComparisonOptions())
    >>> found.tests[0].observed, found.restricted_mean_differences[0].compared.difference
    (array([2., 2.]), -0.5)
    """
    groups, ties = len(estimates), options.convention.ties
    of_interest = observations if cause is None else observations.only_cause(cause)
    times = event_times(of_interest, groups)
    fit = fit_groups(of_interest, times, ties=ties)
    tests = [run_test(test, times) for test in comparison.tests]
    if of_interest.cluster is not None:
        tests.append(robust_score_test(of_interest, groups, ties=ties))
    return Comparison(
        1 if of_interest.stratum is None else int(np.unique(of_interest.stratum).size),
        comparison.tests,
        tests,
        _pairwise(of_interest, groups, comparison, ties),
        _mean_differences(estimates, options),
        hazard_ratios(fit, options.confidence_level),
        groups_proportional(of_interest, fit),
    )


def run_test(test: SurvivalTest, times: EventTimes) -> HypothesisTest:
    """Run one of the tests of equal hazards."""
    if isinstance(test, Trend):
        return trend_test(times, test.scores)
    if isinstance(test, MaxCombo):
        return max_combo_test(times)
    return logrank_test(times, test)


def pairwise_test(observations: Observations, comparison: ComparisonOptions) -> SurvivalTest | None:
    """Return the test that compares pairs: the first one asked for, or None for robust-score where rows are dependent.

    For two groups the trend test is the log-rank test.
    """
    if observations.cluster is not None:
        return None
    first = next(iter(comparison.tests), Weighting())
    return Weighting() if isinstance(first, Trend) else first


def _pairwise(observations: Observations, groups: int, comparison: ComparisonOptions, ties: Ties) -> list[PairTest]:
    if comparison.pairwise is None:
        return []
    test = pairwise_test(observations, comparison)
    pairs, tests = [Pair(*codes) for codes in combinations(range(groups), 2)], []
    for pair in pairs:
        part = _only(pair, observations)
        tests.append(robust_score_test(part, 2, ties=ties) if test is None else run_test(test, event_times(part, 2)))
    adjusted = adjusted_p_values(np.array([found.p_value for found in tests]), comparison.pairwise)
    return [PairTest(*found) for found in zip(pairs, tests, adjusted.tolist(), strict=True)]


def _only(pair: Pair, observations: Observations) -> Observations:
    part = observations.select(np.isin(observations.groups, (pair.first, pair.second)))
    return replace(part, group=(part.groups == pair.second).astype(np.int64))


def _mean_differences(estimates: Sequence[SurvivalEstimate], options: SurvivalOptions) -> list[PairDifference]:
    curves = [estimate.curve for estimate in estimates]
    horizon = options.horizon or min(float(curve.time[-1]) for curve in curves)
    if horizon <= curves[0].observations.start:
        return []
    means = [estimate.restricted_mean for estimate in estimates]
    if options.horizon is None:
        means = means_until([horizon] * len(curves), curves, options)
    differences = []
    for first, second in combinations(range(len(means)), 2):
        compared = compare_restricted_means(means[first], means[second], options.normal_quantile)
        reason = means[first].reason or means[second].reason
        if reason is None and isnan(compared.p_value):
            reason = "no p value: the standard error is 0"
        differences.append(PairDifference(Pair(first, second), horizon, compared, reason))
    return differences
