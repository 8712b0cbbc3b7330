"""What a careful statistician adds to proportions: the methods in sentences, and warnings."""

from collections.abc import Iterator, Mapping, Sequence

from app.analysis import survival_notes
from app.analysis.proportions import MANY_CLUSTERS, IntervalName, Proportion
from app.analysis.success_rates import SuccessRates, TableOptions, TableTest
from app.analysis.survival_notes import FEW_CLUSTERS, Caution, Found, cautions
from app.analysis.two_proportions import DifferenceInterval

SMALL_EXPECTED_COUNT = 5

INTERVALS: dict[IntervalName, str] = {
    "wilson": "Wilson's score method (J Am Stat Assoc 1927;22:209-212)",
    "clopper-pearson": "Clopper and Pearson's exact method (Biometrika 1934;26:404-413)",
    "jeffreys": "Jeffreys' prior (Brown et al., Stat Sci 2001;16:101-133)",
    "agresti-coull": "Agresti and Coull's method (Am Stat 1998;52:119-126)",
    "wald": "the normal approximation (Wald)",
}
TABLE_TESTS: dict[TableTest, str] = {
    "fisher": "Fisher's exact test (Freeman and Halton, Biometrika 1951;38:141-149)",
    "chi-squared": "Pearson's chi-squared test without continuity correction",
    "trend": "the Cochran-Armitage test for trend (Armitage, Biometrics 1955;11:375-386)",
}
DIFFERENCES: dict[DifferenceInterval, str] = {
    "newcombe": "Newcombe's hybrid score method (Stat Med 1998;17:873-890, method 10)",
    "wald": "the normal approximation (Wald)",
}

SENTENCES = {
    "empty_group": "Groups without units have no proportion and are left out of tests: {}.",
    "small_expected_counts": f"A cell of the table expects fewer than {SMALL_EXPECTED_COUNT} units; prefer Fisher's "
    "exact test to the chi-squared test: {}.",
    "few_clusters": survival_notes.SENTENCES["few_clusters"],
    "rows_as_independent": survival_notes.SENTENCES["rows_as_independent"],
}


def smallest_expected(groups: Sequence[Proportion]) -> float:
    """Return the smallest expected count of a table of the groups that have a unit.

    With fewer than two of these, or where all units succeeded or none, it is 0: the chi-squared test does not exist
    then, and says so itself.
    """
    totals = [one.total for one in groups if one.total]
    successes = sum(one.count for one in groups)
    return min(totals) * min(successes, sum(totals) - successes) / sum(totals) if len(totals) > 1 else 0.0


def proportion_warnings(rates: SuccessRates, labels: Sequence[str], tests: Sequence[TableTest]) -> list[Caution]:
    """Return what should be said aloud about proportions of groups, by label, each warning once."""
    return cautions(_cautions(rates, dict(zip(labels, rates.groups, strict=True)), tests), SENTENCES)


def _cautions(rates: SuccessRates, groups: Mapping[str, Proportion], tests: Sequence[TableTest]) -> Iterator[Found]:
    empty = [name for name, one in groups.items() if one.total == 0]
    if empty:
        yield "empty_group", ", ".join(empty)
    if "chi-squared" in tests and 0 < smallest_expected(rates.groups) < SMALL_EXPECTED_COUNT:
        yield "small_expected_counts", "by group"
    for name, one in {"overall": rates.overall, **groups}.items():
        if one.cluster_adjusted is not None and one.cluster_adjusted.clusters < FEW_CLUSTERS:
            yield "few_clusters", name
    if rates.is_clustered and rates.is_compared and tests:
        yield "rows_as_independent", ", ".join(tests)


def proportion_methods(rates: SuccessRates, options: TableOptions) -> Iterator[str]:
    """Yield how proportions and their comparison came about, in sentences with their references."""
    yield f"Proportions have {100 * options.confidence_level:g} % intervals by {INTERVALS[options.interval]}."
    if rates.is_clustered:
        yield (
            "Adjusted for clusters, standard errors are by Taylor linearisation of the ratio estimator and limits "
            "Wilson's for the effective sample size (Rao and Scott, Biometrics 1992;48:577-585; Korn and Graubard, "
            f"Surv Methodol 1998;24:193-201), by the t distribution with fewer than {MANY_CLUSTERS} clusters."
        )
    if rates.is_compared:
        yield from _comparison_methods(options, clustered=rates.is_clustered)


def _comparison_methods(options: TableOptions, *, clustered: bool) -> Iterator[str]:
    named = [TABLE_TESTS[name] for name in options.tests]
    if clustered:
        named.append("a score test whose variance is clustered (Boos, Am Stat 1992;46:327-333)")
    if named:
        yield f"Proportions of groups were compared by {'; '.join(named)}."
    yield (
        f"Differences have limits by {DIFFERENCES[options.difference_interval]}; odds ratios are conditional estimates "
        "with exact limits (Cornfield, Proc 3rd Berkeley Symp 1956;4:135-148), relative risks have limits on the log "
        "scale (Katz et al., Biometrics 1978;34:469-474)."
    )
    if clustered:
        yield (
            "Adjusted for clusters, limits of differences combine those of the proportions with their correlation (Zou "
            "and Donner, Stat Med 2008;27:1693-1702)."
        )
