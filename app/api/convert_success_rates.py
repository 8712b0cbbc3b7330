"""Between the wire and proportions: counts or rows to the core, estimates, tests and differences to the response."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.analysis.contingency import chi_squared_test, fisher_test
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.proportions import (
    MANY_CLUSTERS,
    Proportion,
    estimate_clustered_proportion,
    estimate_proportion,
    trend_test,
)
from app.analysis.survival_notes import FEW_CLUSTERS, SENTENCES, Found, cautions
from app.analysis.two_proportions import (
    ClusteredGroups,
    DifferenceInterval,
    ProportionDifference,
    clustered_covariance,
    compare_proportions,
    count_clusters,
    robust_score_test,
)
from app.api import convert
from app.api.convert_subjects import codes
from app.cohort.notes import INTERVALS, SMALL_EXPECTED_COUNT, TABLE_TESTS
from app.schemas import success_rates as wire
from app.schemas.common import Meta
from app.schemas.subjects import label

WARNINGS = {
    "empty_group": "Groups without units have no proportion and are left out of tests: {}.",
    "small_expected_counts": f"A cell of the table expects fewer than {SMALL_EXPECTED_COUNT} units; prefer Fisher's "
    "exact test to the chi-squared test: {}.",
    "few_clusters": SENTENCES["few_clusters"],
    "rows_as_independent": SENTENCES["rows_as_independent"],
}
DIFFERENCES: dict[DifferenceInterval, str] = {
    "newcombe": "Newcombe's hybrid score method (Stat Med 1998;17:873-890, method 10)",
    "wald": "the normal approximation (Wald)",
}


@dataclass(frozen=True, slots=True)
class SuccessRates:
    """What a request's figures are; `clustered` is None without clusters or groups."""

    labels: list[str]
    overall: Proportion
    groups: list[Proportion]
    clustered: ClusteredGroups | None

    @property
    def compared(self) -> bool:
        """Return whether there are groups to compare."""
        return len(self.groups) > 1


def answer(request: wire.SuccessRatesRequest, input_sha256: str) -> wire.SuccessRatesResponse:
    """Return the proportions that a request asks for."""
    rates = success_rates(request)
    names = asked_tests(request)
    tests = [_test(name, rates.groups, request.scores) for name in names] if rates.compared else []
    if rates.compared and rates.clustered is not None:
        tests.append(robust_score_test(rates.clustered))
    return wire.SuccessRatesResponse(
        meta=Meta(
            service=convert.service(),
            convention="r",
            confidence_level=request.confidence_level,
            confidence_type=None,
            time_unit=None,
            input_sha256=input_sha256,
            subjects_in=rates.overall.total,
            subjects_used=rates.overall.total,
            excluded=[],
            warnings=convert.cautions(cautions(_warnings(rates, names), WARNINGS)),
            methods=[*_methods(request, rates, names)],
        ),
        overall=convert.proportion(rates.overall),
        groups=[
            wire.SuccessRate(label=name, **dict(convert.proportion(group)))
            for name, group in zip(rates.labels, rates.groups, strict=True)
        ],
        tests=[convert.test(test) for test in tests],
        differences=[*_differences(request, rates)],
    )


def success_rates(request: wire.SuccessRatesRequest) -> SuccessRates:
    """Return the proportions of a request, overall and by group."""
    names = wire.group_names(request)
    labels, subjects = [label(name) for name in names], request.subjects
    if subjects is None:
        counts = [(group.successes, group.total) for group in request.groups or ()]
        overall = sum(successes for successes, _ in counts), sum(total for _, total in counts)
        return _of_counts(request, labels, overall, counts)
    success = np.array(subjects.success)
    group = np.array(codes(subjects.group, names) or np.zeros(success.size), dtype=np.int64)
    if subjects.cluster is None:
        totals, successes = (np.bincount(one, minlength=len(names)).tolist() for one in (group, group[success]))
        counts = list(zip(successes, totals, strict=True)) if names else []
        return _of_counts(request, labels, (sum(successes), sum(totals)), counts)
    cluster = np.array(codes(subjects.cluster, dict.fromkeys(subjects.cluster)))
    level, interval = request.confidence_level, request.interval
    overall_rate, *rates = (
        estimate_clustered_proportion(success[rows], cluster[rows], confidence_level=level, interval=interval)
        for rows in (group >= 0, *(group == code for code in range(len(names))))
    )
    clustered = count_clusters(success, group, cluster, len(names)) if names else None
    return SuccessRates(labels, overall_rate, rates, clustered)


def _of_counts(
    request: wire.SuccessRatesRequest, labels: list[str], overall: tuple[int, int], counts: Sequence[tuple[int, int]]
) -> SuccessRates:
    first, *rest = (
        estimate_proportion(*one, confidence_level=request.confidence_level, interval=request.interval)
        for one in (overall, *counts)
    )
    return SuccessRates(labels, first, rest, None)


def asked_tests(request: wire.SuccessRatesRequest) -> Sequence[wire.TestName]:
    """Return the tests that a request asks for."""
    return ["fisher"] if request.tests is None else request.tests


def _test(name: wire.TestName, groups: Sequence[Proportion], scores: Sequence[float] | None) -> HypothesisTest:
    if name == "trend":
        return trend_test([one.count for one in groups], [one.total for one in groups], scores)
    table = [(one.count, one.total - one.count) for one in groups]
    return fisher_test(table) if name == "fisher" else chi_squared_test(table)


def _differences(request: wire.SuccessRatesRequest, rates: SuccessRates) -> Iterator[wire.ProportionDifference]:
    covariance = (
        np.zeros((len(rates.groups),) * 2) if rates.clustered is None else clustered_covariance(rates.clustered)
    )
    for place in range(1, len(rates.groups)):
        result = compare_proportions(
            rates.groups[0],
            rates.groups[place],
            confidence_level=request.confidence_level,
            interval=_interval(request),
            covariance=float(covariance[0, place]),
        )
        yield _difference(result, rates.labels[0], rates.labels[place])


def _interval(request: wire.SuccessRatesRequest) -> DifferenceInterval:
    return "wald" if request.interval == "wald" else "newcombe"


def _difference(result: ProportionDifference, first: str, second: str) -> wire.ProportionDifference:
    adjusted = result.cluster_adjusted
    ratios = {
        name + end: convert.number(figure)
        for name, ratio in (("odds_ratio", result.odds_ratio), ("relative_risk", result.relative_risk))
        for end, figure in (("", ratio.estimate), ("_lower", ratio.lower), ("_upper", ratio.upper))
    }
    return wire.ProportionDifference(
        first=first,
        second=second,
        **convert.figures(result, "odds_ratio", "relative_risk", "cluster_adjusted"),
        **ratios,
        cluster_adjusted=None if adjusted is None else wire.ClusterAdjustedDifference(**convert.figures(adjusted)),
    )


def _warnings(rates: SuccessRates, tests: Sequence[str]) -> Iterator[Found]:
    by_label = dict(zip(rates.labels, rates.groups, strict=True))
    empty = [name for name, one in by_label.items() if one.total == 0]
    if empty:
        yield "empty_group", ", ".join(empty)
    if "chi-squared" in tests and 0 < _smallest_expected(rates.groups) < SMALL_EXPECTED_COUNT:
        yield "small_expected_counts", "by group"
    for name, one in {"overall": rates.overall, **by_label}.items():
        if one.cluster_adjusted is not None and one.cluster_adjusted.clusters < FEW_CLUSTERS:
            yield "few_clusters", name
    if rates.clustered is not None and rates.compared and tests:
        yield "rows_as_independent", ", ".join(tests)


def _smallest_expected(groups: Sequence[Proportion]) -> float:
    """Return the smallest expected count of a table; 0 where it has fewer than two groups or outcomes."""
    totals = [one.total for one in groups if one.total]
    successes = sum(one.count for one in groups)
    return min(totals) * min(successes, sum(totals) - successes) / sum(totals) if len(totals) > 1 else 0.0


def _methods(request: wire.SuccessRatesRequest, rates: SuccessRates, tests: Sequence[wire.TestName]) -> Iterator[str]:
    clustered = rates.overall.cluster_adjusted is not None
    yield f"Proportions have {100 * request.confidence_level:g} % intervals by {INTERVALS[request.interval]}."
    if clustered:
        yield (
            "Adjusted for clusters, standard errors are by Taylor linearisation of the ratio estimator and limits "
            "Wilson's for the effective sample size (Rao and Scott, Biometrics 1992;48:577-585; Korn and Graubard, "
            f"Surv Methodol 1998;24:193-201), by the t distribution with fewer than {MANY_CLUSTERS} clusters."
        )
    if not rates.compared:
        return
    named = [TABLE_TESTS[name] for name in tests]
    if clustered:
        named.append("a score test whose variance is clustered (Boos, Am Stat 1992;46:327-333)")
    if named:
        yield f"Proportions of groups were compared by {'; '.join(named)}."
    yield (
        f"Differences have limits by {DIFFERENCES[_interval(request)]}; odds ratios are conditional estimates with "
        "exact limits (Cornfield, Proc 3rd Berkeley Symp 1956;4:135-148), relative risks have limits on the log scale "
        "(Katz et al., Biometrics 1978;34:469-474)."
    )
    if clustered:
        yield (
            "Adjusted for clusters, limits of differences combine those of the proportions with their correlation (Zou "
            "and Donner, Stat Med 2008;27:1693-1702)."
        )
