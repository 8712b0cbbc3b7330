"""What a careful statistician adds to the figures: the methods in sentences, and warnings."""

from collections.abc import Iterator, Sequence

from app.analysis import proportion_notes, survival_notes
from app.analysis.incidence_notes import AALEN_JOHANSEN, GRAY
from app.analysis.proportion_notes import INTERVALS, SMALL_EXPECTED_COUNT, TABLE_TESTS, smallest_expected
from app.analysis.survival_notes import (
    ROBUST_SCORE,
    Caution,
    Found,
    cautions,
    comparison_cautions,
    estimate_cautions,
    estimation_methods,
    group_cautions,
    hazard_ratio_method,
    test_method,
)
from app.cohort.endpoint_rows import UNKNOWN_CAUSE, EndpointRows
from app.cohort.endpoints import ENDPOINTS, Endpoint
from app.cohort.outcomes import EndpointGrouping, OutcomeOptions, Outcomes

CONSENSUS = (
    "End points follow our reading of the SIO/DATECAN consensus (Puijk et al., Radiology 2021;301:533-540), given with "
    "each as its definition."
)
ORDER_OF_EVENTS = (
    "Only the first event of a patient or lesion counts; a recurrence or progression comes before death at the same "
    "time, a local recurrence before a progression."
)

SENTENCES = survival_notes.SENTENCES | {
    "endpoint_without_units": "Every patient or lesion is left out, so that nothing is estimated: {}.",
    "unknown_cause_of_death": "The dead of unknown cause are left out, which hides deaths and can bias what is "
    "estimated: {}.",
    "lesions_as_independent": "Log-rank and Gray's tests and tests of tables take the lesions of a patient as "
    "independent; robust-score and cluster-adjusted intervals do not: {}.",
    "small_expected_counts": proportion_notes.SENTENCES["small_expected_counts"].replace("units", "lesions"),
}


def methods(options: OutcomeOptions) -> list[str]:
    """Return the methods that the options ask for, in sentences with their references."""
    return [*_methods_of_estimation(options), *(_methods_of_comparison(options) if options.groupings else ())]


def _methods_of_estimation(options: OutcomeOptions) -> Iterator[str]:
    survival, level = options.survival, f"{100 * options.survival.confidence_level:g} %"
    yield CONSENSUS
    yield from estimation_methods(
        survival, "Greenwood's variance, of lesions from the infinitesimal jackknife variance with patients as clusters"
    )
    yield (
        f"Proportions have {level} intervals by {INTERVALS[options.tables.interval]}; those of lesions and sessions "
        "have a second one that counts patients as clusters (Taylor linearisation)."
    )
    yield (
        f"Cumulative incidences, with every other cause of the end point competing, were estimated by {AALEN_JOHANSEN} "
        f"with {level} intervals of type {options.incidence_interval}; standard errors of lesions are infinitesimal "
        "jackknife errors with patients as clusters."
    )


def _methods_of_comparison(options: OutcomeOptions) -> Iterator[str]:
    if options.tables.tests:
        named = " and ".join(TABLE_TESTS[name] for name in options.tables.tests)
        yield f"Proportions of groups were compared by {named}."
    for test in options.comparison.tests:
        yield f"Survival of groups was compared by the {test_method(test)}."
    yield hazard_ratio_method(options.survival)
    endpoints = [ENDPOINTS[name] for name in options.endpoints]
    if any(endpoint.has_competing_events for endpoint in endpoints):
        yield f"Cumulative incidences of groups were compared by {GRAY}."
    if any(endpoint.unit == "lesion" for endpoint in endpoints):
        yield f"Hazards of groups of lesions were compared by the {ROBUST_SCORE.format(unit='patient')}."


def row_methods() -> list[str]:
    """Return how analysis rows were derived, in sentences."""
    return [CONSENSUS, ORDER_OF_EVENTS]


def row_warnings(derived: Sequence[EndpointRows]) -> list[Caution]:
    """Return what should be said aloud about analysis rows, each warning once with the end points it applies to."""
    found = [
        found for one in derived for found in _exclusion_cautions(one.endpoint, one.excluded, has_rows=bool(one.rows))
    ]
    return cautions(found, SENTENCES)


def _exclusion_cautions(endpoint: Endpoint, excluded: dict[str, int], *, has_rows: bool) -> Iterator[Found]:
    if not has_rows:
        yield "endpoint_without_units", endpoint.name
    if UNKNOWN_CAUSE in excluded:
        yield "unknown_cause_of_death", f"{endpoint.name} ({excluded[UNKNOWN_CAUSE]})"


def warnings(outcomes: Outcomes) -> list[Caution]:
    """Return what should be said aloud about the figures, each warning once with the places it applies to."""
    found = [*_endpoint_cautions(outcomes), *_table_cautions(outcomes)]
    return cautions(found, SENTENCES)


def _endpoint_cautions(outcomes: Outcomes) -> Iterator[Found]:
    for result in outcomes.endpoints:
        name = result.endpoint.name
        yield from _exclusion_cautions(result.endpoint, result.excluded, has_rows=result.overall is not None)
        if result.overall is not None:
            yield from estimate_cautions(name, result.overall.survival)
        for grouping in result.groupings:
            yield from _grouping_cautions(f"{name} by {grouping.name}", grouping)
            if result.endpoint.unit == "lesion" and grouping.comparison is not None:
                yield "lesions_as_independent", f"{name} by {grouping.name}"


def _grouping_cautions(where: str, grouping: EndpointGrouping) -> Iterator[Found]:
    yield from group_cautions(where, {sample.label: sample.survival for sample in grouping.groups}, grouping.empty)
    if grouping.comparison is not None:
        yield from comparison_cautions(where, grouping.comparison)


def _table_cautions(outcomes: Outcomes) -> Iterator[Found]:
    tables = {
        "primary technical success": outcomes.technical_success.primary_groupings,
        "secondary technical success": outcomes.technical_success.secondary_groupings,
        "local recurrence": outcomes.local_recurrence.groupings,
    }
    for what, table in [(what, table) for what, groupings in tables.items() for table in groupings if table.tests]:
        yield "lesions_as_independent", f"{what} by {table.name}"
        expected = smallest_expected(table.proportions)
        if "chi-squared" in outcomes.options.tables.tests and 0 < expected < SMALL_EXPECTED_COUNT:
            yield "small_expected_counts", f"{what} by {table.name}"
