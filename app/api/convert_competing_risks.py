"""Between the wire and cumulative incidences: request to observations and options, summary to response."""

from collections.abc import Sequence

from app.analysis.competing_risks import IncidenceEstimate, IncidenceSummary, summarize_incidences
from app.analysis.conventions import CONVENTIONS
from app.analysis.cumulative_incidence import AalenJohansen
from app.analysis.curve_points import kept_points, since_last
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.incidence_notes import incidence_methods, incidence_warnings
from app.analysis.observations import Observations
from app.analysis.survival import SurvivalOptions
from app.api import convert
from app.api.convert_subjects import codes, observed
from app.schemas import competing_risks as wire
from app.schemas.common import CurveChoice
from app.schemas.flat_request import group_labels
from app.schemas.subjects import label

ALL = "all"


def answer(request: wire.CompetingRisksRequest, input_sha256: str) -> wire.CompetingRisksResponse:
    """Return the cumulative incidences that a request asks for."""
    sample, summary = summarized(request)
    labels, names = labels_and_causes(request)
    by_label = dict(zip(labels or [ALL], summary.groups, strict=True))
    compared = summary.comparison is not None
    return wire.CompetingRisksResponse(
        meta=convert.meta(
            request,
            input_sha256,
            confidence_type=request.confidence_type,
            subjects_in=sample.subjects,
            subjects_used=sample.subjects,
            excluded={},
            warnings=incidence_warnings(sample, by_label, names),
            methods=incidence_methods(sample, request.confidence_level, request.confidence_type, compared=compared),
        ),
        groups=[incidence_group(one, name, names, curve=request.curve) for name, one in by_label.items()],
        comparison=None
        if summary.comparison is None
        else [cause_test(test, name) for test, name in zip(summary.comparison, names, strict=True)],
    )


def labels_and_causes(request: wire.CompetingRisksRequest) -> tuple[list[str], list[str]]:
    """Return the labels of the groups, [] without any, and the names of the causes."""
    return [label(group) for group in group_labels(request)], [label(cause) for cause in wire.cause_names(request)]


def summarized(request: wire.CompetingRisksRequest) -> tuple[Observations, IncidenceSummary]:
    """Return the sample, and the summary of it that both answer and figure are made of."""
    groups, causes = group_labels(request), wire.cause_names(request)
    sample = observed(request, groups, codes(request.subjects.cause, [None, *causes]))
    options = SurvivalOptions(
        CONVENTIONS[request.convention], request.confidence_level, landmarks=tuple(request.landmarks)
    )
    return sample, summarize_incidences(sample, len(groups), len(causes), options, request.confidence_type)


def incidence_group(
    result: IncidenceEstimate, name: str, causes: Sequence[str], *, curve: CurveChoice
) -> wire.IncidenceGroup:
    """Return the cumulative incidences of one sample."""
    curves = result.curves
    table = curves.curve.table
    return wire.IncidenceGroup(
        label=name,
        subjects=float(table.events.sum() + table.censored.sum()),
        censored=float(table.censored.sum()),
        event_free=wire.EventFree(
            rates=[convert.rate(one) for one in result.event_free_rates],
            curve=convert.survival_curve(curves.curve, curve),
        ),
        causes=[
            wire.CauseIncidence(
                cause=cause,
                events=float(curves.events[place].sum()),
                rates=[wire.IncidenceRate(**convert.figures(one)) for one in result.rates[place]],
                median=convert.quantile(result.medians[place]),
                curve=incidence_curve(curves, place, curve),
            )
            for place, cause in enumerate(causes)
        ],
    )


def incidence_curve(result: AalenJohansen, cause: int, option: CurveChoice) -> wire.IncidenceCurve | None:
    """Return what was asked for of the incidence of the cause at a place."""
    if option == "none":
        return None
    table, kept = result.curve.table, kept_points(result.curve.time, convert.max_points(option))
    curve = {
        "time": table.time[kept],
        "at_risk": table.at_risk[kept],
        "events": since_last(result.events[cause], kept),
        "cumulative_incidence": result.incidence[cause][kept],
        "standard_error": result.standard_error[cause][kept],
        "lower": result.lower[cause][kept],
        "upper": result.upper[cause][kept],
    }
    return wire.IncidenceCurve(**convert.columns(curve))


def cause_test(test: HypothesisTest, cause: str) -> wire.CauseTest:
    """Return Gray's test for a cause."""
    return wire.CauseTest(cause=cause, **convert.test_figures(test))
