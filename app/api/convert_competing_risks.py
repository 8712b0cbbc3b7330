"""Between the wire and cumulative incidences: request to observations and options, summary to response."""

from app.analysis.competing_risks import summarize_incidences
from app.analysis.conventions import CONVENTIONS
from app.analysis.incidence_notes import incidence_methods, incidence_warnings
from app.analysis.survival import SurvivalOptions
from app.api import convert
from app.api.convert_subjects import codes, observed
from app.schemas.common import Meta
from app.schemas.competing_risks import CompetingRisksRequest, CompetingRisksResponse, cause_names
from app.schemas.flat_request import group_labels
from app.schemas.subjects import label

ALL = "all"


def answer(request: CompetingRisksRequest, input_sha256: str) -> CompetingRisksResponse:
    """Return the cumulative incidences that a request asks for."""
    groups, causes = group_labels(request), cause_names(request)
    sample = observed(request, groups, codes(request.subjects.cause, [None, *causes]) or [])
    options = SurvivalOptions(
        CONVENTIONS[request.convention], request.confidence_level, landmarks=tuple(request.landmarks)
    )
    summary = summarize_incidences(sample, len(groups), len(causes), options, request.confidence_type)
    labels, names = [label(group) for group in groups] or [ALL], [label(cause) for cause in causes]
    by_label = dict(zip(labels, summary.groups, strict=True))
    compared = summary.comparison is not None
    curve = convert.curve_option(request.curve)
    return CompetingRisksResponse(
        meta=Meta(
            service=convert.service(),
            convention=request.convention,
            confidence_level=request.confidence_level,
            confidence_type=request.confidence_type,
            time_unit=request.time_unit,
            input_sha256=input_sha256,
            subjects_in=sample.subjects,
            subjects_used=sample.subjects,
            excluded=[],
            warnings=convert.cautions(incidence_warnings(sample, by_label, names)),
            methods=[*incidence_methods(sample, request.confidence_level, request.confidence_type, compared=compared)],
        ),
        groups=[convert.incidence_group(one, name, names, curve=curve) for name, one in by_label.items()],
        comparison=None
        if summary.comparison is None
        else [convert.cause_test(test, name) for test, name in zip(summary.comparison, names, strict=True)],
    )
