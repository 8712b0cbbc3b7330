"""From an answer to a table of it: nothing is in the table that is not in the answer."""

from collections.abc import Iterable, Iterator

from app.api.table_rows import (
    POINT,
    RESULT,
    Row,
    Rows,
    comparison_rows,
    excluded_rows,
    follow_up_rows,
    gray_rows,
    group_rows,
    incidence_points,
    incidence_rows,
    points,
    proportion_rows,
    result,
    survival_points,
    survival_rows,
    within,
)
from app.rendering.csv_writer import csv_text
from app.schemas.common import Test
from app.schemas.competing_risks import CompetingRisks, CompetingRisksResponse, IncidenceGroup
from app.schemas.outcomes import EndpointResult, Mortality, OutcomesResponse, Safety
from app.schemas.survival import Curve, SurvivalEstimate, SurvivalResponse


def survival_summary(answer: SurvivalResponse) -> str:
    """Return the summary of all subjects, whose `group` is empty, of each group, and of their comparison."""
    return csv_text(("group", "reference", *RESULT), _survival_summary(answer))


def _survival_summary(answer: SurvivalResponse) -> Rows:
    yield from survival_rows(answer.overall)
    for group in answer.groups:
        yield from within(survival_rows(group), group=group.label)
    yield from comparison_rows(answer.comparison)


def survival_curve(answer: SurvivalResponse) -> str:
    """Return the curve of all subjects, whose `group` is empty, and of each group."""
    rows = [row for label, one in _by_group(answer) for row in within(points(one.curve), group=label)]
    return csv_text(("group", *Curve.model_fields), rows)


def _by_group(answer: SurvivalResponse) -> Iterator[tuple[str | None, SurvivalEstimate]]:
    yield None, answer.overall
    yield from ((group.label, group) for group in answer.groups)


def incidence_summary(answer: CompetingRisksResponse) -> str:
    """Return the summary of each group, by cause, and Gray's tests."""
    return csv_text(("group", "cause", *RESULT), _incidence_summary(answer))


def _incidence_summary(risks: CompetingRisks | CompetingRisksResponse) -> Rows:
    for group in risks.groups:
        yield from within((*group_rows(group), *incidence_rows(group)), group=group.label)
    yield from gray_rows(risks.comparison)


def incidence_curve(answer: CompetingRisksResponse) -> str:
    """Return the curves of each group: event-free probability, and cumulative incidence by cause."""
    rows = (row for group in answer.groups for row in within(incidence_points(group), group=group.label))
    return csv_text(("group", "cause", *POINT), rows)


def outcome_summary(answer: OutcomesResponse) -> str:
    """Return all outcomes by their names in the answer, whole and by grouping."""
    columns = ("outcome", "grouping", "group", "reference", "cause", *RESULT)
    return csv_text(columns, _outcome_summary(answer))


def _outcome_summary(answer: OutcomesResponse) -> Rows:
    counts = answer.cohort
    for name in ("patients", "sessions", "lesions"):
        yield {"outcome": "cohort"} | result(name, estimate=getattr(counts, name))
    yield from _success_rows(answer)
    yield from _recurrence_rows(answer)
    yield from _safety_rows(answer.safety)
    yield from within(follow_up_rows(answer.follow_up), outcome="follow_up")
    for endpoint in answer.endpoints:
        yield from within(_endpoint_rows(endpoint), outcome=endpoint.endpoint)


def _success_rows(answer: OutcomesResponse) -> Rows:
    success = answer.technical_success
    for name in ("primary", "secondary"):
        outcome = f"{name}_success"
        yield from within(proportion_rows(getattr(success, name)), outcome=outcome)
        for grouping in success.groupings:
            about = {"outcome": outcome, "grouping": grouping.name}
            for group in grouping.groups:
                yield from within(proportion_rows(getattr(group, name)), group=group.label, **about)
            yield from within(_test_rows(test for test in grouping.tests if test.outcome == name), **about)


def _recurrence_rows(answer: OutcomesResponse) -> Rows:
    recurrence = answer.local_recurrence
    yield from within(proportion_rows(recurrence.patients), outcome="local_recurrence_of_patients")
    outcome = "local_recurrence_of_lesions"
    yield from within(proportion_rows(recurrence.lesions), outcome=outcome)
    yield from within(excluded_rows(recurrence.excluded), outcome=outcome)
    for grouping in recurrence.groupings:
        about = {"outcome": outcome, "grouping": grouping.name}
        for group in grouping.groups:
            yield from within(proportion_rows(group.lesions), group=group.label, **about)
        yield from within(_test_rows(grouping.tests), **about)
    if recurrence.cumulative_incidence is not None:
        yield from within(_incidence_summary(recurrence.cumulative_incidence), outcome=outcome)


def _safety_rows(safety: Safety) -> Rows:
    for name in ("periprocedural_deaths", "mortality_30_day", "mortality_90_day", "sessions_with_complications"):
        proportion = getattr(safety, name)
        yield from within(proportion_rows(proportion), outcome=name)
        if isinstance(proportion, Mortality):
            yield {"outcome": name} | result("unknown", estimate=proportion.unknown)
    for one in safety.complications:
        yield {"outcome": "complications", "grouping": one.system, "group": one.grade} | result(
            "count", estimate=one.count
        )


def _test_rows(tests: Iterable[Test]) -> Rows:
    return (result(test.name, test, estimate=test.statistic) for test in tests)


def _endpoint_rows(endpoint: EndpointResult) -> Rows:
    yield from excluded_rows(endpoint.excluded)
    for about, estimate, incidence in _samples(endpoint):
        yield from within(survival_rows(estimate), **about)
        if incidence is not None:
            yield from within(incidence_rows(incidence), **about)
    for grouping in endpoint.groupings:
        yield from within(comparison_rows(grouping.comparison), grouping=grouping.name)
        yield from within(gray_rows(grouping.gray), grouping=grouping.name)


def _samples(endpoint: EndpointResult) -> Iterator[tuple[Row, SurvivalEstimate, IncidenceGroup | None]]:
    if endpoint.estimate is not None:
        yield {}, endpoint.estimate, endpoint.cumulative_incidence
    for grouping in endpoint.groupings:
        for group in grouping.groups:
            yield {"grouping": grouping.name, "group": group.label}, group, group.cumulative_incidence


def outcome_curve(answer: OutcomesResponse) -> str:
    """Return the curves of the end points, whole and by grouping: survival, and what competing events make of it."""
    return csv_text(("outcome", "grouping", "group", "cause", *POINT), _outcome_curves(answer))


def _outcome_curves(answer: OutcomesResponse) -> Rows:
    for endpoint in answer.endpoints:
        for about, estimate, incidence in _samples(endpoint):
            about["outcome"] = endpoint.endpoint
            yield from within(survival_points(estimate.curve), **about)
            if incidence is not None:
                yield from within(incidence_points(incidence), **about)
