"""Between the wire and a Cox model: request to sample and options, summary to response."""

from collections.abc import Sequence
from itertools import compress

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.conventions import CONVENTIONS
from app.analysis.cox import CoxModel
from app.analysis.cox_notes import cox_methods, cox_warnings
from app.analysis.cox_predictions import BaselineHazard, PredictedRate, predicted_median, predicted_survival
from app.analysis.cox_summary import CoxOptions, CoxSummary, summarize_cox
from app.analysis.curve_points import kept_points
from app.analysis.design_matrix import Design
from app.api import convert
from app.api.convert_regression import (
    RegressionSample,
    is_robust,
    out_of_range,
    regression_sample,
    repeats,
    told_by_name,
    why_missing,
    wire_profile,
    wire_term,
)
from app.schemas import cox, regression_response
from app.schemas.cox import CoxRequest, CoxResponse


def answer(request: CoxRequest, input_sha256: str) -> CoxResponse:
    """Return the Cox model that a request asks for."""
    with told_by_name(request):
        sample = regression_sample(request, request.subjects.event, robust=is_robust(request), subjects_apart=True)
        options = _options(request, robust=sample.robust)
        summary = summarize_cox(sample.observations, sample.distinct, sample.design, sample.profiles, options)
    repeated = repeats(compress(request.subjects.id or (), request.subjects.event))
    return CoxResponse(
        meta=convert.meta(
            request,
            input_sha256,
            confidence_type="log",
            **sample.counts,
            warnings=cox_warnings(summary, sample.design, dropped=sample.dropped, repeated=repeated),
            methods=cox_methods(sample.observations, options, sample.unit, predictions=bool(request.predict_for)),
        ),
        coefficients=coefficients(summary.model, sample.design, robust=sample.robust),
        model=_fit(summary, sample.subjects),
        proportional_hazards=_proportional(summary, sample.design),
        baseline=_baseline(request, sample, summary),
        predictions=[_prediction(request, sample, summary, place) for place in range(len(sample.profiles))],
    )


def _options(request: CoxRequest, *, robust: bool) -> CoxOptions:
    return CoxOptions(
        CONVENTIONS[request.convention],
        request.ties,
        request.confidence_level,
        robust,
        request.penalizer,
        request.transform,
        tuple(request.landmarks),
    )


def coefficients(model: CoxModel, design: Design, *, robust: bool) -> list[regression_response.Coefficient]:
    """Return the coefficients with the terms and levels that they are of."""
    figures = convert.rows(
        {
            "coefficient": model.coefficient,
            "standard_error": model.model_based_standard_error,
            "robust_standard_error": model.standard_error if robust else np.full_like(model.standard_error, np.nan),
            "hazard_ratio": model.hazard_ratio,
            "lower": model.lower,
            "upper": model.upper,
            "z": model.z,
            "p_value": model.p_value,
        }
    )
    return [
        regression_response.Coefficient(**wire_term(column), **of_column, reason=why_missing(of_column, "hazard_ratio"))
        for column, of_column in zip(design.columns, figures, strict=True)
    ]


def _fit(summary: CoxSummary, subjects: int) -> cox.CoxFit:
    model, concordance = summary.model, summary.concordance
    return cox.CoxFit(
        subjects=subjects,
        events=summary.events,
        log_likelihood=model.log_likelihood,
        null_log_likelihood=model.null_log_likelihood,
        likelihood_ratio_test=convert.test(summary.likelihood_ratio),
        wald_test=convert.test(summary.wald),
        score_test=convert.test(summary.score),
        robust_score_test=None if summary.robust_score is None else convert.test(summary.robust_score),
        concordance=cox.CoxConcordance(**convert.figures(concordance, "pairs")),
        aic=convert.number(summary.aic),
        iterations=model.iterations,
    )


def _proportional(summary: CoxSummary, design: Design) -> list[cox.TermTest]:
    tests = [*summary.proportional.terms, summary.proportional.overall]
    return [
        cox.TermTest(term=term, **convert.test_figures(test))
        for term, test in zip([*design.terms, None], tests, strict=True)
    ]


def _baseline(request: CoxRequest, sample: RegressionSample, summary: CoxSummary) -> cox.Baseline:
    curves = []
    for stratum, baseline in _by_stratum(sample, summary):
        kept = kept_points(baseline.time, convert.max_points(request.curve))
        hazard = baseline.hazard[kept]
        curves.append(
            cox.BaselineCurve(
                stratum=stratum,
                time=convert.numbers(baseline.time[kept]),
                cumulative_hazard=convert.numbers(hazard),
                survival=convert.numbers(np.exp(-hazard)),
            )
        )
    return cox.Baseline(
        profile=wire_profile(sample.design, summary.profile), strata=[] if request.curve == "none" else curves
    )


def _prediction(request: CoxRequest, sample: RegressionSample, summary: CoxSummary, place: int) -> cox.Prediction:
    profile, rates = sample.profiles[place], summary.rates[place]
    with np.errstate(over="ignore"):
        ratio = float(np.exp((profile - summary.profile) @ summary.model.coefficient))
    return cox.Prediction(
        profile=wire_profile(sample.design, profile),
        hazard_ratio=convert.number(ratio),
        reason=out_of_range(convert.number(ratio)),
        strata=[
            _predicted_stratum(request, summary, (stratum, baseline), profile, at_landmarks)
            for (stratum, baseline), at_landmarks in zip(_by_stratum(sample, summary), rates, strict=True)
        ],
    )


def _predicted_stratum(
    request: CoxRequest,
    summary: CoxSummary,
    of: tuple[str | None, BaselineHazard],
    profile: FloatArray,
    rates: Sequence[PredictedRate],
) -> cox.PredictedStratum:
    stratum, baseline = of
    curve = predicted_survival(baseline, summary.model, profile, baseline.time, request.confidence_level)
    kept = kept_points(baseline.time, convert.max_points(request.curve))
    estimate, lower, upper = predicted_median(curve)
    return cox.PredictedStratum(
        stratum=stratum,
        median=cox.PredictedMedian(
            estimate=convert.number(estimate),
            lower=convert.number(lower),
            upper=convert.number(upper),
            reason=_why_not_reached(estimate, lower, upper),
        ),
        rates=[regression_response.PredictedRate(**convert.figures(rate)) for rate in rates],
        curve=None
        if request.curve == "none"
        else cox.PredictedCurve(
            time=convert.numbers(curve.time[kept]),
            survival=convert.numbers(curve.survival[kept]),
            lower=convert.numbers(curve.lower[kept]),
            upper=convert.numbers(curve.upper[kept]),
        ),
    )


def _why_not_reached(estimate: float, lower: float, upper: float) -> str | None:
    """Return which of a median and its limits is not reached first; the later ones are not either."""
    if np.isnan(lower):
        return "not reached: survival and its limits stay above 0.5"
    if np.isnan(estimate):
        return "not reached: survival stays above 0.5"
    return "no upper limit: that of survival stays above 0.5" if np.isnan(upper) else None


def _by_stratum(sample: RegressionSample, summary: CoxSummary) -> list[tuple[str | None, BaselineHazard]]:
    labels: list[str | None] = [*sample.strata] or [None]
    return list(zip(labels if summary.baselines else [], summary.baselines, strict=True))
