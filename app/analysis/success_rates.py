"""Proportions of units that succeeded: overall, by group, and the groups compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.analysis.arrays import BoolArray, IntArray
from app.analysis.contingency import chi_squared_test, fisher_test
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.proportions import (
    IntervalName,
    Proportion,
    estimate_clustered_proportion,
    estimate_proportion,
    trend_test,
)
from app.analysis.two_proportions import (
    ClusteredGroups,
    DifferenceInterval,
    ProportionDifference,
    clustered_covariance,
    compare_proportions,
    count_clusters,
    robust_score_test,
)

TableTest = Literal["fisher", "chi-squared", "trend"]


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How proportions are estimated and tables tested; `scores` of the groups are those of the test for trend."""

    confidence_level: float = 0.95
    interval: IntervalName = "wilson"
    tests: Sequence[TableTest] = ("fisher",)
    scores: Sequence[float] | None = None

    @property
    def difference_interval(self) -> DifferenceInterval:
        """Return the method of the intervals of differences."""
        return "wald" if self.interval == "wald" else "newcombe"


@dataclass(frozen=True, slots=True)
class SuccessRates:
    """The proportions of all units and of each group, the tests of the groups, and the first compared with each other.

    Proportions and differences are adjusted for clusters where there are any. Fewer than two groups are not compared.
    """

    overall: Proportion
    groups: list[Proportion]
    tests: list[HypothesisTest]
    differences: list[ProportionDifference]

    @property
    def is_clustered(self) -> bool:
        """Return whether the units are in clusters."""
        return self.overall.cluster_adjusted is not None

    @property
    def is_compared(self) -> bool:
        """Return whether there are groups to compare."""
        return len(self.groups) > 1


def summarize_counts(counts: Sequence[tuple[int, int]], options: TableOptions) -> SuccessRates:
    """Estimate the proportions of groups of which only counts are known, and compare them.

    Parameters
    ----------
    counts : of each group the units that succeeded, and all of its units

    Examples
    --------
    >>> rates = summarize_counts([(8, 10), (3, 10)], TableOptions())
    >>> rates.overall.proportion, [one.proportion for one in rates.groups], round(rates.differences[0].difference, 2)
    (0.55, [0.8, 0.3], 0.5)
    """
    overall = sum(successes for successes, _ in counts), sum(total for _, total in counts)
    rates = [
        estimate_proportion(*one, confidence_level=options.confidence_level, interval=options.interval)
        for one in (overall, *counts)
    ]
    return _compared(rates, None, options)


def summarize_units(
    success: BoolArray, options: TableOptions, *, group: IntArray | None = None, cluster: IntArray | None = None
) -> SuccessRates:
    """Estimate the proportions of units one by one, overall and by group, and compare the groups.

    Parameters
    ----------
    success : whether each unit succeeded, shape [n]
    group : codes 0, 1, .. of compared groups, each with a unit, shape [n], or None
    cluster : names of the clusters that units are in, shape [n], or None

    Examples
    --------
    >>> success, group = np.array([True, True, False]), np.array([0, 0, 1])
    >>> [one.count for one in summarize_units(success, TableOptions(), group=group).groups]
    [2, 0]
    """
    members, clustered = [np.ones(success.size, dtype=bool)], None
    if group is not None:
        groups = int(group.max()) + 1
        members += [group == code for code in range(groups)]
        clustered = None if cluster is None else count_clusters(success, group, cluster, groups)
    rates = [success_rate(success[rows], None if cluster is None else cluster[rows], options) for rows in members]
    return _compared(rates, clustered, options)


def success_rate(success: BoolArray, cluster: IntArray | None, options: TableOptions) -> Proportion:
    """Return the proportion of units that succeeded, with clusters adjusted for these too.

    Examples
    --------
    >>> success_rate(np.array([True, False]), None, TableOptions()).proportion
    0.5
    """
    level, interval = options.confidence_level, options.interval
    if cluster is None:
        return estimate_proportion(int(success.sum()), success.size, confidence_level=level, interval=interval)
    return estimate_clustered_proportion(success, cluster, confidence_level=level, interval=interval)


def table_tests(groups: Sequence[Proportion], options: TableOptions) -> list[HypothesisTest]:
    """Return the tests of equal proportions that are asked for, none of fewer than two groups.

    Examples
    --------
    >>> rates = summarize_counts([(8, 10), (3, 10)], TableOptions())
    >>> [test.name for test in table_tests(rates.groups, TableOptions(tests=("chi-squared", "trend")))]
    ['chi-squared', 'trend']
    """
    return [_test(name, groups, options.scores) for name in options.tests] if len(groups) > 1 else []


def _test(name: TableTest, groups: Sequence[Proportion], scores: Sequence[float] | None) -> HypothesisTest:
    if name == "trend":
        return trend_test([one.count for one in groups], [one.total for one in groups], scores)
    table = [(one.count, one.total - one.count) for one in groups]
    return fisher_test(table) if name == "fisher" else chi_squared_test(table)


def _compared(rates: Sequence[Proportion], clustered: ClusteredGroups | None, options: TableOptions) -> SuccessRates:
    """Return the rates, that of all units being the first, with the groups compared."""
    overall, *groups = rates
    tests, covariances = table_tests(groups, options), [0.0] * len(groups)
    if clustered is not None and len(groups) > 1:
        tests.append(robust_score_test(clustered))
        covariances = clustered_covariance(clustered)[0].tolist()
    differences = [
        compare_proportions(
            groups[0],
            other,
            confidence_level=options.confidence_level,
            interval=options.difference_interval,
            covariance=covariance,
        )
        for other, covariance in zip(groups[1:], covariances[1:], strict=True)
    ]
    return SuccessRates(overall, groups, tests, differences)
