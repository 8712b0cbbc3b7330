"""Between the wire and the outcome summary: request to cohort and options, outcomes to response."""

from typing import get_args

import numpy as np

from app.analysis.comparison import ComparisonOptions
from app.analysis.conventions import CONVENTIONS
from app.analysis.logrank import Weighting
from app.analysis.success_rates import TableOptions, TableTest
from app.analysis.survival import SurvivalOptions
from app.api import convert
from app.api.convert_cohort import treatment_cohort
from app.api.convert_competing_risks import cause_test, incidence_group
from app.cohort import groupings as core_groupings
from app.cohort import model, notes
from app.cohort.endpoints import Endpoint
from app.cohort.lesion_tables import GroupedProportions, LocalRecurrence, TechnicalSuccess
from app.cohort.outcomes import EndpointGrouping, EndpointResult, OutcomeOptions, Outcomes, Sample, summarize_outcomes
from app.cohort.safety import Mortality, Safety
from app.rendering.sentences import summarize
from app.schemas import outcomes as response
from app.schemas.common import CurveChoice, Meta
from app.schemas.competing_risks import CompetingRisks, IncidenceGroup
from app.schemas.groupings import Grouping
from app.schemas.outcomes import OutcomesRequest, OutcomesResponse


def answer(request: OutcomesRequest, input_sha256: str) -> OutcomesResponse:
    """Return the outcome summary that a request asks for."""
    return outcomes_response(summarized(request), input_sha256, curve=request.curve)


def summarized(request: OutcomesRequest) -> Outcomes:
    """Return the outcomes that both answer and report are made of."""
    return summarize_outcomes(treatment_cohort(request.cohort), outcome_options(request))


def outcome_options(request: OutcomesRequest) -> OutcomeOptions:
    """Return what a request asks for, in the words of the core."""
    return OutcomeOptions(
        SurvivalOptions(
            CONVENTIONS[request.convention],
            request.confidence_level,
            request.confidence_type,
            landmarks=tuple(request.landmarks),
        ),
        TableOptions(
            request.confidence_level,
            request.interval,
            tuple(test for test in get_args(TableTest) if test in request.tests),
        ),
        ComparisonOptions((Weighting(),) if "log-rank" in request.tests else ()),
        request.confidence_type or "log-log",
        tuple(request.endpoints),
        tuple(_grouping(grouping) for grouping in request.groupings),
        request.periprocedural_days,
    )


def _grouping(grouping: Grouping) -> core_groupings.Grouping:
    bins = tuple(
        core_groupings.Bin(one.label, one.lower[0], one.upper[0], one.lower[1], one.upper[1]) for one in grouping.bins
    )
    return core_groupings.Grouping(grouping.name, grouping.unit, grouping.variable, bins)


def outcomes_response(outcomes: Outcomes, input_sha256: str, *, curve: CurveChoice) -> OutcomesResponse:
    """Return the outcome summary as the contract has it."""
    recurrence = local_recurrence(outcomes.local_recurrence, outcomes.local_progression, curve=curve)
    return OutcomesResponse(
        meta=meta(outcomes, input_sha256),
        cohort=cohort_counts(outcomes.cohort),
        technical_success=technical_success(outcomes.technical_success),
        local_recurrence=recurrence,
        safety=safety(outcomes.safety),
        follow_up=convert.follow_up(outcomes.follow_up),
        endpoints=[endpoint_result(result, curve=curve) for result in outcomes.endpoints],
        summary=summarize(outcomes),
    )


def meta(outcomes: Outcomes, input_sha256: str) -> Meta:
    """Return by which service, method and input the figures came."""
    options, patients = outcomes.options.survival, len(outcomes.cohort.patients)
    return Meta(
        service=convert.service(),
        convention=options.convention.name,
        confidence_level=options.confidence_level,
        confidence_type=options.interval,
        time_unit=outcomes.cohort.time_unit,
        input_sha256=input_sha256,
        subjects_in=patients,
        subjects_used=patients,
        excluded=[],
        warnings=convert.cautions(notes.warnings(outcomes)),
        methods=notes.methods(outcomes.options),
    )


def cohort_counts(cohort: model.Cohort) -> response.CohortCounts:
    """Return who was treated."""
    lesions = np.array([len(patient.lesions) for patient in cohort.patients])
    return response.CohortCounts(
        patients=len(cohort.patients),
        sessions=len(cohort.sessions()),
        lesions=int(lesions.sum()),
        time_unit=cohort.time_unit,
        lesions_per_patient=response.LesionsPerPatient(
            mean=float(lesions.mean()),
            median=float(np.median(lesions)),
            minimum=int(lesions.min()),
            maximum=int(lesions.max()),
        ),
    )


def technical_success(result: TechnicalSuccess) -> response.TechnicalSuccess:
    """Return technical success, overall and by group."""
    return response.TechnicalSuccess(
        primary=convert.proportion(result.primary),
        secondary=convert.proportion(result.secondary),
        groupings=[
            _success_grouping(primary, secondary)
            for primary, secondary in zip(result.primary_groupings, result.secondary_groupings, strict=True)
        ],
    )


def _success_grouping(primary: GroupedProportions, secondary: GroupedProportions) -> response.SuccessGrouping:
    both = zip(primary.labels, primary.proportions, secondary.proportions, strict=True)
    return response.SuccessGrouping(
        name=primary.name,
        excluded=primary.excluded,
        groups=[
            response.SuccessGroup(label=label, primary=convert.proportion(one), secondary=convert.proportion(other))
            for label, one, other in both
        ],
        tests=[
            *(response.SuccessTest(outcome="primary", **convert.test_figures(test)) for test in primary.tests),
            *(response.SuccessTest(outcome="secondary", **convert.test_figures(test)) for test in secondary.tests),
        ],
    )


def local_recurrence(
    result: LocalRecurrence, progression: EndpointResult, *, curve: CurveChoice
) -> response.LocalRecurrence:
    """Return local recurrence, counted and as cumulative incidence."""
    incidence = sample_incidence(progression.overall, progression.endpoint, curve=curve)
    return response.LocalRecurrence(
        excluded=convert.counted_reasons(result.excluded),
        lesions=convert.proportion(result.lesions),
        patients=convert.proportion(result.patients),
        recurrences=result.recurrences,
        retreated=result.retreated,
        counts=[
            response.RecurrenceCount(recurrences=recurrences, lesions=lesions)
            for recurrences, lesions in result.counts.items()
        ],
        groupings=[_recurrence_grouping(table) for table in result.groupings],
        cumulative_incidence=None if incidence is None else CompetingRisks(groups=[incidence], comparison=None),
    )


def _recurrence_grouping(table: GroupedProportions) -> response.RecurrenceGrouping:
    return response.RecurrenceGrouping(
        name=table.name,
        excluded=table.excluded,
        groups=[
            response.RecurrenceGroup(label=label, lesions=convert.proportion(one))
            for label, one in zip(table.labels, table.proportions, strict=True)
        ],
        tests=[convert.test(test) for test in table.tests],
    )


def safety(result: Safety) -> response.Safety:
    """Return deaths around the treatment, and complications."""
    return response.Safety(
        periprocedural_deaths=convert.proportion(result.periprocedural_deaths),
        mortality_30_day=_mortality(result.mortality_30_day),
        mortality_90_day=_mortality(result.mortality_90_day),
        sessions_with_complications=convert.proportion(result.sessions_with_complications),
        complications=[
            response.ComplicationCount(system=system, grade=grade, count=count)
            for (system, grade), count in result.complications.items()
        ],
    )


def _mortality(result: Mortality) -> response.Mortality:
    return response.Mortality(unknown=result.unknown, **dict(convert.proportion(result.proportion)))


def endpoint_result(result: EndpointResult, *, curve: CurveChoice) -> response.EndpointResult:
    """Return an end point, overall and by group."""
    overall = result.overall
    return response.EndpointResult(
        endpoint=result.endpoint.name,
        unit=result.endpoint.unit,
        definition=result.endpoint.definition,
        excluded=convert.counted_reasons(result.excluded),
        estimate=None
        if overall is None
        else convert.survival_estimate(overall.survival, interpretation=interpretation(result.endpoint), curve=curve),
        cumulative_incidence=sample_incidence(overall, result.endpoint, curve=curve),
        groupings=[_endpoint_grouping(grouping, result.endpoint, curve=curve) for grouping in result.groupings],
    )


def _endpoint_grouping(
    grouping: EndpointGrouping, endpoint: Endpoint, *, curve: CurveChoice
) -> response.EndpointGrouping:
    labels = [sample.label for sample in grouping.groups]
    gray = None
    if grouping.gray is not None:
        gray = [cause_test(test, cause) for test, cause in zip(grouping.gray, endpoint.causes, strict=True)]
    return response.EndpointGrouping(
        name=grouping.name,
        excluded=grouping.excluded,
        groups=[_endpoint_group(sample, endpoint, curve=curve) for sample in grouping.groups],
        comparison=None if grouping.comparison is None else convert.comparison(grouping.comparison, labels),
        gray=gray,
    )


def _endpoint_group(sample: Sample, endpoint: Endpoint, *, curve: CurveChoice) -> response.EndpointGroup:
    return response.EndpointGroup(
        label=sample.label,
        cumulative_incidence=sample_incidence(sample, endpoint, curve=curve),
        **convert.survival_figures(sample.survival, interpretation=interpretation(endpoint), curve=curve),
    )


def interpretation(endpoint: Endpoint) -> str:
    """Return what the survival probabilities of an end point mean."""
    return convert.OF_CAUSE if endpoint.has_competing_events else convert.EVENT_FREE


def sample_incidence(sample: Sample | None, endpoint: Endpoint, *, curve: CurveChoice) -> IncidenceGroup | None:
    """Return the cumulative incidences of a sample, None where no competing event can occur."""
    if sample is None or sample.incidence is None:
        return None
    return incidence_group(sample.incidence, sample.label, endpoint.causes, curve=curve)
