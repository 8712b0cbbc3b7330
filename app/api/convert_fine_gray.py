"""Between the wire and a Fine-Gray model: request to sample and options, summary to response."""

from collections import Counter

import numpy as np

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.conventions import CONVENTIONS
from app.analysis.cox_summary import FEW_CLUSTERS
from app.analysis.curve_points import kept_points
from app.analysis.design_matrix import Design
from app.analysis.fine_gray_notes import fine_gray_methods, fine_gray_warnings
from app.analysis.fine_gray_predictions import SubdistributionCurves
from app.analysis.fine_gray_summary import FineGrayOptions, FineGrayStratum, FineGraySummary, summarize_fine_gray
from app.api import convert
from app.api.convert_regression import RegressionSample, regression_sample, told_by_name, wire_level, wire_value
from app.schemas import fine_gray
from app.schemas.common import Meta
from app.schemas.fine_gray import FineGrayRequest, FineGrayResponse
from app.schemas.subjects import label


def answer(request: FineGrayRequest, input_sha256: str) -> FineGrayResponse:
    """Return the Fine-Gray model that a request asks for."""
    options = FineGrayOptions(
        CONVENTIONS[request.convention], request.ties, request.confidence_level, tuple(request.landmarks)
    )
    with told_by_name(request):
        sample = regression_sample(request.model_copy(update={"robust": True}), _causes(request))
        summary = summarize_fine_gray(sample.observations, sample.distinct, sample.design, sample.profiles, options)
    return FineGrayResponse(
        meta=_meta(request, input_sha256, sample, summary, options),
        cause=label(request.cause),
        coefficients=_coefficients(summary, sample.design),
        model=fine_gray.FineGrayFit(
            subjects=sample.subjects,
            events=summary.events,
            competing=summary.competing,
            censored=summary.censored,
            log_likelihood=summary.model.log_likelihood,
            null_log_likelihood=summary.model.null_log_likelihood,
            wald_test=convert.test(summary.wald),
            iterations=summary.model.iterations,
        ),
        baseline=_baseline(request, sample, summary),
        predictions=[_prediction(request, sample, summary, place) for place in range(len(sample.profiles))],
    )


def _causes(request: FineGrayRequest) -> list[int]:
    return [0 if cause is None else 1 if cause == request.cause else 2 for cause in request.subjects.cause]


def _meta(
    request: FineGrayRequest,
    input_sha256: str,
    sample: RegressionSample,
    summary: FineGraySummary,
    options: FineGrayOptions,
) -> Meta:
    dropped = sum(sample.excluded.values())
    repeated = any(count > 1 for count in Counter(request.subjects.id or ()).values())
    warnings = fine_gray_warnings(
        summary, dropped=f"{dropped} of {sample.subjects_in}" if dropped else "", repeated=repeated
    )
    return Meta(
        service=convert.service(),
        convention=request.convention,
        confidence_level=request.confidence_level,
        confidence_type="log-log",
        time_unit=request.time_unit,
        input_sha256=input_sha256,
        subjects_in=sample.subjects_in,
        subjects_used=sample.subjects,
        excluded=convert.counted_reasons(sample.excluded),
        warnings=convert.cautions(warnings),
        methods=[*fine_gray_methods(sample.observations, options, predictions=bool(request.predict_for))],
    )


def _coefficients(summary: FineGraySummary, design: Design) -> list[fine_gray.FineGrayCoefficient]:
    model = summary.model
    columns = {
        "coefficient": model.coefficient,
        "standard_error": model.standard_error,
        "fixed_weights_standard_error": model.fixed_weights_standard_error,
        "subdistribution_hazard_ratio": model.hazard_ratio,
        "lower": model.lower,
        "upper": model.upper,
        "z": model.z,
        "p_value": model.p_value,
    }
    figures = {name: convert.numbers(column) for name, column in columns.items()}
    return [
        fine_gray.FineGrayCoefficient(
            term=column.term,
            level=wire_level(column.level),
            reference=wire_level(column.reference),
            **{name: of_all[place] for name, of_all in figures.items()},
            reason=FEW_CLUSTERS if np.isnan(model.standard_error[place]) else None,
        )
        for place, column in enumerate(design.columns)
    ]


def _baseline(
    request: FineGrayRequest, sample: RegressionSample, summary: FineGraySummary
) -> fine_gray.IncidenceBaseline:
    curves = []
    for stratum in summary.strata if request.curve != "none" else []:
        kept = _kept(request, stratum.baseline)
        curves.append(
            fine_gray.IncidenceBaselineCurve(
                stratum=_label(sample, stratum),
                time=convert.numbers(stratum.baseline.time[kept]),
                cumulative_subdistribution_hazard=convert.numbers(stratum.baseline.hazard[0, kept]),
                cumulative_incidence=convert.numbers(stratum.baseline.incidence[0, kept]),
            )
        )
    return fine_gray.IncidenceBaseline(profile=_profile(sample.design, summary.profile), strata=curves)


def _prediction(
    request: FineGrayRequest, sample: RegressionSample, summary: FineGraySummary, place: int
) -> fine_gray.IncidencePrediction:
    return fine_gray.IncidencePrediction(
        profile=_profile(sample.design, sample.profiles[place]),
        subdistribution_hazard_ratio=convert.number(float(summary.ratios[place])),
        strata=[
            fine_gray.PredictedIncidenceStratum(
                stratum=_label(sample, stratum),
                rates=[fine_gray.PredictedIncidenceRate(**convert.figures(rate)) for rate in stratum.rates[place]],
                curve=_curve(request, stratum.curves, place),
            )
            for stratum in summary.strata
        ],
    )


def _curve(
    request: FineGrayRequest, curves: SubdistributionCurves, place: int
) -> fine_gray.PredictedIncidenceCurve | None:
    if request.curve == "none":
        return None
    kept = _kept(request, curves)
    return fine_gray.PredictedIncidenceCurve(
        time=convert.numbers(curves.time[kept]),
        cumulative_incidence=convert.numbers(curves.incidence[place, kept]),
    )


def _label(sample: RegressionSample, stratum: FineGrayStratum) -> str | None:
    return sample.strata[stratum.code] if sample.strata else None


def _kept(request: FineGrayRequest, curves: SubdistributionCurves) -> IntArray:
    option = convert.curve_option(request.curve)
    return kept_points(curves.time, option if isinstance(option, int) else None)


def _profile(design: Design, row: FloatArray) -> dict[str, float | str]:
    return {term: wire_value(value) for term, value in design.profile(row).items()}
