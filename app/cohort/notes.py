"""What a careful statistician adds to the figures: the methods in sentences, and warnings."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import TOLERANCE
from app.cohort.lesion_tables import GroupedProportions, TableTest
from app.cohort.outcomes import EndpointGrouping, OutcomeOptions, Outcomes, Sample

FEW_EVENTS = 10
FEW_AT_RISK = 0.1
SMALL_EXPECTED_COUNT = 5

PACKAGES = {"r": "R (survival)", "sas": "SAS (LIFETEST)", "spss": "SPSS (KM)", "stata": "Stata (sts, stci)"}
INTERVALS = {
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


SENTENCES = {
    "few_events": f"Fewer than {FEW_EVENTS} events, so that estimates are imprecise: {{}}.",
    "group_without_events": "No events, so that no hazard ratio exists: {}.",
    "empty_group": "Groups without units are left out: {}.",
    "few_at_risk_at_median": "The median lies where fewer than 10 % are still at risk: {}.",
    "median_on_last_flat": "Survival is exactly 0.5 up to the last follow-up, where packages differ (R's quantile() "
    "gives the middle of that time, its print() the first time): {}.",
    "lesions_as_independent": "Log-rank and Gray's tests and tests of tables take the lesions of a patient as "
    "independent; robust-score and cluster-adjusted intervals do not: {}.",
    "small_expected_counts": "A cell of the table expects fewer than 5 lesions; prefer Fisher's exact test to the "
    "chi-squared test: {}.",
}


@dataclass(frozen=True, slots=True)
class Caution:
    """A warning: a stable code, and the sentence for people."""

    code: str
    detail: str


def methods(options: OutcomeOptions) -> list[str]:
    """Return the methods that the options ask for, in sentences with their references."""
    return [*_methods_of_estimation(options), *(_methods_of_comparison(options) if options.groupings else ())]


def _methods_of_estimation(options: OutcomeOptions) -> Iterator[str]:
    survival, level = options.survival, f"{100 * options.survival.confidence_level:g} %"
    yield (
        "End points follow our reading of the SIO/DATECAN consensus (Puijk et al., Radiology 2021;301:533-540), "
        "given with each as its definition."
    )
    yield (
        "Survival was estimated by the method of Kaplan and Meier (J Am Stat Assoc 1958;53:457-481) with "
        f"{level} intervals of type {survival.interval} from Greenwood's variance."
    )
    yield (
        f"Medians, means and their errors follow the conventions of {PACKAGES[survival.convention.name]}; the standard "
        "error of a quantile is that of survival over the density in a window of 0.05 (Collett, Modelling Survival "
        "Data in Medical Research, 2015, section 2.4)."
    )
    yield (
        "Follow-up is described as observed, and by the reverse Kaplan-Meier method (Schemper and Smith, Control "
        "Clin Trials 1996;17:343-346)."
    )
    yield (
        f"Proportions have {level} intervals by {INTERVALS[options.tables.interval]}; those of lesions and sessions "
        "have a second one that counts patients as clusters (Taylor linearisation)."
    )
    yield (
        "Cumulative incidences with death competing were estimated by the method of Aalen and Johansen (Scand J "
        f"Stat 1978;5:141-150) with {level} intervals of type {options.incidence_interval}; standard errors of "
        "lesions are infinitesimal jackknife errors with patients as clusters."
    )


def _methods_of_comparison(options: OutcomeOptions) -> Iterator[str]:
    if options.tables.tests:
        named = " and ".join(TABLE_TESTS[name] for name in options.tables.tests)
        yield f"Proportions of groups were compared by {named}."
    if options.survival.tests:
        yield (
            "Survival of groups was compared by the log-rank test (Mantel, Cancer Chemother Rep 1966;50:163-170; "
            "Peto and Peto, J R Stat Soc A 1972;135:185-207)."
        )
    yield (
        f"Hazard ratios are those of a Cox model with {options.survival.convention.ties.capitalize()}'s treatment of "
        "ties; restricted means were compared up to the shortest of the groups' follow-ups (Royston and Parmar, BMC "
        "Med Res Methodol 2013;13:152)."
    )
    if "local_progression" in options.endpoints:
        yield (
            "Cumulative incidences of groups were compared by Gray's test (Ann Stat 1988;16:1141-1154), hazards of "
            "lesions by the score test of a Cox model with variance clustered by patient (Lin and Wei, J Am Stat "
            "Assoc 1989;84:1074-1078)."
        )


def warnings(outcomes: Outcomes) -> list[Caution]:
    """Return what should be said aloud about the figures, each warning once with the places it applies to."""
    found = [*_endpoint_cautions(outcomes), *_table_cautions(outcomes)]
    return [
        Caution(code, sentence.format("; ".join(places)))
        for code, sentence in SENTENCES.items()
        if (places := [place for found_code, place in found if found_code == code])
    ]


def _endpoint_cautions(outcomes: Outcomes) -> Iterator[tuple[str, str]]:
    for result in outcomes.endpoints:
        name = result.endpoint.name
        if result.overall is not None:
            if result.overall.survival.events < FEW_EVENTS:
                yield "few_events", name
            yield from _median_cautions(name, [result.overall])
        for grouping in result.groupings:
            yield from _grouping_cautions(f"{name} by {grouping.name}", grouping)
            if result.endpoint.unit == "lesion" and grouping.comparison is not None:
                yield "lesions_as_independent", f"{name} by {grouping.name}"


def _grouping_cautions(where: str, grouping: EndpointGrouping) -> Iterator[tuple[str, str]]:
    few = [sample.label for sample in grouping.groups if 0 < sample.survival.events < FEW_EVENTS]
    without = [sample.label for sample in grouping.groups if sample.survival.events == 0]
    for code, labels in (("few_events", few), ("group_without_events", without), ("empty_group", grouping.empty)):
        if labels:
            yield code, f"{where} ({', '.join(labels)})"
    yield from _median_cautions(where, grouping.groups)


def _median_cautions(where: str, samples: Iterable[Sample]) -> Iterator[tuple[str, str]]:
    for sample in samples:
        survival = sample.survival
        if np.isnan(survival.median.estimate):
            continue
        place = f"{where} ({sample.label})"
        at_median = survival.curve.at(np.array([survival.median.estimate]))[0]
        if survival.curve.table.at_risk[at_median] < FEW_AT_RISK * survival.subjects:
            yield "few_at_risk_at_median", place
        if survival.curve.survival[-1] >= 0.5 - TOLERANCE:
            yield "median_on_last_flat", place


def _table_cautions(outcomes: Outcomes) -> Iterator[tuple[str, str]]:
    tables = {
        "primary technical success": outcomes.technical_success.primary_groupings,
        "secondary technical success": outcomes.technical_success.secondary_groupings,
        "local recurrence": outcomes.local_recurrence.groupings,
    }
    for what, table in [(what, table) for what, groupings in tables.items() for table in groupings if table.tests]:
        yield "lesions_as_independent", f"{what} by {table.name}"
        # Where all lesions succeeded, or none, the chi-squared test does not exist and says so itself.
        expected = _smallest_expected(table)
        if "chi-squared" in outcomes.options.tables.tests and 0 < expected < SMALL_EXPECTED_COUNT:
            yield "small_expected_counts", f"{what} by {table.name}"


def _smallest_expected(table: GroupedProportions) -> float:
    totals = [one.total for one in table.proportions if one.total]
    successes = sum(one.count for one in table.proportions)
    return min(totals, default=0) * min(successes, sum(totals) - successes) / max(sum(totals), 1)
