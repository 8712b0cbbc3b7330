"""Between the wire and a Fine-Gray model: request to sample and options, summary to response."""

from app.analysis.conventions import CONVENTIONS
from app.analysis.curve_points import kept_points
from app.analysis.design_matrix import Design
from app.analysis.fine_gray_notes import fine_gray_methods, fine_gray_warnings
from app.analysis.fine_gray_predictions import SubdistributionCurves
from app.analysis.fine_gray_summary import FineGrayOptions, FineGrayStratum, FineGraySummary, summarize_fine_gray
from app.api import convert
from app.api.convert_regression import (
    RegressionSample,
    out_of_range,
    regression_sample,
    repeats,
    told_by_name,
    why_missing,
    wire_profile,
    wire_term,
)
from app.schemas import fine_gray
from app.schemas.fine_gray import FineGrayRequest, FineGrayResponse
from app.schemas.subjects import label


def answer(request: FineGrayRequest, input_sha256: str) -> FineGrayResponse:
    """Return the Fine-Gray model that a request asks for."""
    options = FineGrayOptions(
        CONVENTIONS[request.convention], request.ties, request.confidence_level, tuple(request.landmarks)
    )
    with told_by_name(request):
        sample = regression_sample(request, _causes(request), robust=True)
        summary = summarize_fine_gray(sample.observations, sample.distinct, sample.design, sample.profiles, options)
    return FineGrayResponse(
        meta=convert.meta(
            request,
            input_sha256,
            confidence_type="log-log",
            **sample.counts,
            warnings=fine_gray_warnings(summary, dropped=sample.dropped, repeated=repeats(request.subjects.id or ())),
            methods=fine_gray_methods(sample.observations, options, sample.unit, predictions=bool(request.predict_for)),
        ),
        cause=label(request.cause),
        coefficients=_coefficients(summary, sample.design),
        model=fine_gray.FineGrayFit(
            subjects=sample.subjects,
            events=summary.events,
            competing=summary.competing,
            censored=sample.subjects - summary.events - summary.competing,
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


def _coefficients(summary: FineGraySummary, design: Design) -> list[fine_gray.FineGrayCoefficient]:
    model = summary.model
    figures = convert.rows(
        {
            "coefficient": model.coefficient,
            "standard_error": model.standard_error,
            "fixed_weights_standard_error": model.fixed_weights_standard_error,
            "subdistribution_hazard_ratio": model.hazard_ratio,
            "lower": model.lower,
            "upper": model.upper,
            "z": model.z,
            "p_value": model.p_value,
        }
    )
    return [
        fine_gray.FineGrayCoefficient(
            **wire_term(column), **of_column, reason=why_missing(of_column, "subdistribution_hazard_ratio")
        )
        for column, of_column in zip(design.columns, figures, strict=True)
    ]


def _baseline(
    request: FineGrayRequest, sample: RegressionSample, summary: FineGraySummary
) -> fine_gray.IncidenceBaseline:
    curves = []
    for stratum in summary.strata if request.curve != "none" else []:
        kept = kept_points(stratum.baseline.time, convert.max_points(request.curve))
        curves.append(
            fine_gray.IncidenceBaselineCurve(
                stratum=_label(sample, stratum),
                time=convert.numbers(stratum.baseline.time[kept]),
                cumulative_subdistribution_hazard=convert.numbers(stratum.baseline.hazard[0, kept]),
                cumulative_incidence=convert.numbers(stratum.baseline.incidence[0, kept]),
            )
        )
    return fine_gray.IncidenceBaseline(profile=wire_profile(sample.design, summary.profile), strata=curves)


def _prediction(
    request: FineGrayRequest, sample: RegressionSample, summary: FineGraySummary, place: int
) -> fine_gray.IncidencePrediction:
    ratio = convert.number(float(summary.ratios[place]))
    return fine_gray.IncidencePrediction(
        profile=wire_profile(sample.design, sample.profiles[place]),
        subdistribution_hazard_ratio=ratio,
        reason=out_of_range(ratio),
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
    kept = kept_points(curves.time, convert.max_points(request.curve))
    return fine_gray.PredictedIncidenceCurve(
        time=convert.numbers(curves.time[kept]),
        cumulative_incidence=convert.numbers(curves.incidence[place, kept]),
    )


def _label(sample: RegressionSample, stratum: FineGrayStratum) -> str | None:
    return sample.strata[stratum.code] if sample.strata else None
