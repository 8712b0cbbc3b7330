"""Between the wire and the survival of a sample: request to observations and options, summary to response."""

from collections.abc import Sequence
from typing import Any

from app.analysis import comparison as core
from app.analysis.conventions import CONVENTIONS
from app.analysis.logrank import Weighting
from app.analysis.observations import Observations
from app.analysis.survival import SurvivalOptions
from app.analysis.survival_notes import summary_methods, summary_warnings
from app.analysis.survival_summary import SUPPRESSED, GroupEstimate, SurvivalSummary, summarize_survival
from app.api import convert
from app.api.convert_subjects import observed
from app.schemas import survival
from app.schemas.flat_request import group_labels
from app.schemas.subjects import Category, label
from app.schemas.survival_request import FlemingHarrington, SurvivalRequest, TestChoice, Trend


def answer(request: SurvivalRequest, input_sha256: str) -> survival.SurvivalResponse:
    """Return the survival that a request asks for."""
    labels, summary = summarized(request)
    options, comparison = survival_options(request), comparison_options(request)
    response = survival.SurvivalResponse(
        meta=convert.meta(
            request,
            input_sha256 if request.min_cell_count is None else None,
            confidence_type=options.interval,
            **_counts(summary, request.min_cell_count),
            warnings=summary_warnings(summary, labels),
            methods=summary_methods(summary, options, comparison),
        ),
        overall=survival.SurvivalEstimate(**_estimate(GroupEstimate(-1, summary.overall), request)),
        groups=[
            survival.SurvivalGroup(label=labels[group.code], **_estimate(group, request)) for group in summary.groups
        ],
        comparison=None
        if summary.comparison is None
        else convert.comparison(summary.comparison, [labels[group.code] for group in summary.groups]),
    )
    if request.min_cell_count is None:
        return response
    return survival.SurvivalResponse.model_validate(convert.rounded(response.model_dump()))


def summarized(request: SurvivalRequest) -> tuple[list[str], SurvivalSummary]:
    """Return the labels of the groups, and the summary of the sample that both answer and figure are made of."""
    groups = group_labels(request)
    summary = summarize_survival(
        observations(request, groups),
        len(groups),
        survival_options(request),
        comparison_options(request),
        start_time=request.start_time,
        min_cell_count=request.min_cell_count,
    )
    return [label(group) for group in groups], summary


def observations(request: SurvivalRequest, groups: Sequence[Category]) -> Observations:
    """Return the sample of a request, its groups coded by their place among `groups`."""
    return observed(request, groups, request.subjects.event)


def survival_options(request: SurvivalRequest) -> SurvivalOptions:
    """Return how survival is to be estimated, in the words of the core."""
    return SurvivalOptions(
        CONVENTIONS[request.convention],
        request.confidence_level,
        request.confidence_type,
        tuple(request.quantiles),
        tuple(request.landmarks),
        request.horizon,
        None if request.risk_table_times is None else tuple(request.risk_table_times),
    )


def comparison_options(request: SurvivalRequest) -> core.ComparisonOptions:
    """Return how groups are to be compared, in the words of the core."""
    tests: Sequence[TestChoice] = ["log-rank"] if request.tests is None else request.tests
    pairwise = None if request.pairwise is None else request.pairwise.adjustment
    return core.ComparisonOptions(tuple(_test(test) for test in tests), pairwise)


def _test(test: TestChoice) -> core.SurvivalTest:
    if isinstance(test, str):
        return Weighting(test)
    if isinstance(test, FlemingHarrington):
        return Weighting(test.name, test.rho, test.gamma)
    if isinstance(test, Trend):
        return core.Trend(None if test.scores is None else tuple(test.scores))
    return core.MaxCombo()


def _counts(summary: SurvivalSummary, min_cell_count: int | None) -> dict[str, Any]:
    """Return how many subjects there are, were used and were not, without small counts and what would reveal them."""
    used, not_used = summary.subjects, summary.ended_before
    few, few_not_used = (0 < persons < (min_cell_count or 0) for persons in summary.persons)
    reason = "follow-up ended before start_time"
    return {
        "subjects_in": None if few or few_not_used else used + not_used,
        "subjects_used": None if few else used,
        "excluded": {reason: None if few_not_used else not_used} if not_used else {},
    }


def _estimate(group: GroupEstimate, request: SurvivalRequest) -> dict[str, Any]:
    if group.estimate is None:
        return _suppressed(request)
    return convert.survival_figures(group.estimate, curve=request.curve)


def _suppressed(request: SurvivalRequest) -> dict[str, Any]:
    """Return an estimate of which nothing can be told."""
    nothing = dict.fromkeys(("standard_error", "lower", "upper"), None) | {"reason": SUPPRESSED}
    no_time = {"estimate": None, **nothing}
    observed = dict.fromkeys(survival.ObservedFollowUp.model_fields, None)
    return {
        "interpretation": convert.EVENT_FREE,
        **dict.fromkeys(("subjects", "events", "censored", "person_time", "risk_table", "curve"), None),
        "median": survival.Quantile(probability=0.5, **no_time),
        "quantiles": [survival.Quantile(probability=probability, **no_time) for probability in request.quantiles],
        "restricted_mean": survival.RestrictedMean(horizon=request.horizon, **no_time),
        "rates": [
            survival.Rate(time=time, at_risk=None, events=None, survival=None, **nothing) for time in request.landmarks
        ],
        "follow_up": survival.FollowUp(
            observed=survival.ObservedFollowUp(**observed),
            reverse_kaplan_meier=survival.Quantile(probability=0.5, **no_time),
        ),
        "reason": SUPPRESSED,
    }
