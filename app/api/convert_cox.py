"""Between the wire and a Cox model: request to sample and options, summary to response."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.conventions import CONVENTIONS
from app.analysis.cox import CoxModel
from app.analysis.cox_notes import cox_methods, cox_warnings
from app.analysis.cox_predictions import BaselineHazard, PredictedRate, predicted_median, predicted_survival
from app.analysis.cox_summary import FEW_CLUSTERS, CoxOptions, CoxSummary, summarize_cox
from app.analysis.curve_points import kept_points
from app.analysis.design_matrix import Design
from app.api import convert
from app.api.convert_regression import RegressionSample, regression_sample, told_by_name, wire_level, wire_value
from app.schemas import cox
from app.schemas.common import Meta
from app.schemas.cox import CoxRequest, CoxResponse
from app.schemas.regression_response import Coefficient


def answer(request: CoxRequest, input_sha256: str) -> CoxResponse:
    """Return the Cox model that a request asks for."""
    with told_by_name(request):
        sample = regression_sample(request, request.subjects.event)
        options = _options(request, robust=sample.robust)
        summary = summarize_cox(sample.observations, sample.distinct, sample.design, sample.profiles, options)
    dropped = sum(sample.excluded.values())
    return CoxResponse(
        meta=Meta(
            service=convert.service(),
            convention=request.convention,
            confidence_level=request.confidence_level,
            confidence_type="log",
            time_unit=request.time_unit,
            input_sha256=input_sha256,
            subjects_in=sample.subjects_in,
            subjects_used=sample.subjects,
            excluded=convert.counted_reasons(sample.excluded),
            warnings=convert.cautions(
                cox_warnings(
                    summary,
                    sample.design,
                    dropped=f"{dropped} of {sample.subjects_in}" if dropped else "",
                    repeated=_has_repeated_events(request),
                )
            ),
            methods=[*cox_methods(sample.observations, options, predictions=bool(request.predict_for))],
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


def _has_repeated_events(request: CoxRequest) -> bool:
    ids = request.subjects.id or ()
    events = Counter(one for one, event in zip(ids, request.subjects.event, strict=False) if event)
    return any(count > 1 for count in events.values())


def coefficients(model: CoxModel, design: Design, *, robust: bool) -> list[Coefficient]:
    """Return the coefficients with the terms and levels that they are of."""
    columns = (
        model.coefficient,
        model.model_based_standard_error,
        model.standard_error if robust else np.full_like(model.standard_error, np.nan),
        model.hazard_ratio,
        model.lower,
        model.upper,
        model.z,
        model.p_value,
    )
    names = (
        "coefficient",
        "standard_error",
        "robust_standard_error",
        "hazard_ratio",
        "lower",
        "upper",
        "z",
        "p_value",
    )
    figures = zip(*map(convert.numbers, columns), strict=True)
    return [
        Coefficient(
            term=column.term,
            level=wire_level(column.level),
            reference=wire_level(column.reference),
            **dict(zip(names, values, strict=True)),
            reason=FEW_CLUSTERS if np.isnan(error) else None,
        )
        for column, values, error in zip(design.columns, figures, model.standard_error, strict=True)
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
        kept = _kept(request, baseline)
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
        profile=_profile(sample.design, summary.profile), strata=[] if request.curve == "none" else curves
    )


def _prediction(request: CoxRequest, sample: RegressionSample, summary: CoxSummary, place: int) -> cox.Prediction:
    profile, rates = sample.profiles[place], summary.rates[place]
    with np.errstate(over="ignore"):
        ratio = float(np.exp((profile - summary.profile) @ summary.model.coefficient))
    return cox.Prediction(
        profile=_profile(sample.design, profile),
        hazard_ratio=convert.number(ratio),
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
    kept = _kept(request, baseline)
    estimate, lower, upper = predicted_median(curve)
    return cox.PredictedStratum(
        stratum=stratum,
        median=cox.PredictedMedian(
            estimate=convert.number(estimate),
            lower=convert.number(lower),
            upper=convert.number(upper),
            reason="not reached: survival stays above 0.5" if np.isnan(estimate) else None,
        ),
        rates=[cox.PredictedRate(**convert.figures(rate)) for rate in rates],
        curve=None
        if request.curve == "none"
        else cox.PredictedCurve(
            time=convert.numbers(curve.time[kept]),
            survival=convert.numbers(curve.survival[kept]),
            lower=convert.numbers(curve.lower[kept]),
            upper=convert.numbers(curve.upper[kept]),
        ),
    )


def _by_stratum(sample: RegressionSample, summary: CoxSummary) -> list[tuple[str | None, BaselineHazard]]:
    labels: list[str | None] = [*sample.strata] or [None]
    return list(zip(labels if summary.baselines else [], summary.baselines, strict=True))


def _kept(request: CoxRequest, baseline: BaselineHazard) -> IntArray:
    option = convert.curve_option(request.curve)
    return kept_points(baseline.time, option if isinstance(option, int) else None)


def _profile(design: Design, row: FloatArray) -> dict[str, float | str]:
    return {term: wire_value(value) for term, value in design.profile(row).items()}
