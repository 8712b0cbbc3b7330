"""Between the wire and parametric models: request to sample and options, summary to response."""

from collections.abc import Mapping
from itertools import compress
from typing import Any

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.design_matrix import Design
from app.analysis.parametric import ParametricModel
from app.analysis.parametric_notes import meaning, parametric_methods, parametric_warnings
from app.analysis.parametric_predictions import Predictions
from app.analysis.parametric_summary import (
    ParametricOptions,
    ParametricSummary,
    PredictingModel,
    summarize_parametric,
)
from app.api import convert
from app.api.convert_regression import (
    is_robust,
    out_of_range,
    regression_sample,
    repeats,
    told_by_name,
    wire_profile,
    wire_term,
)
from app.schemas import parametric as wire
from app.schemas.regression_response import PredictedRate


def answer(request: wire.ParametricRequest, input_sha256: str) -> wire.ParametricResponse:
    """Return the parametric models that a request asks for."""
    with told_by_name(request):
        sample = regression_sample(request, request.subjects.event, robust=is_robust(request))
        options = ParametricOptions(
            tuple(request.distributions), tuple(request.landmarks), request.confidence_level, sample.robust
        )
        summary = summarize_parametric(sample.observations, sample.covariates, sample.design, sample.profiles, options)
    repeated = repeats(compress(request.subjects.id or (), request.subjects.event))
    return wire.ParametricResponse(
        meta=convert.meta(
            request,
            input_sha256,
            confidence_type="log-log",
            **sample.counts,
            warnings=parametric_warnings(summary, dropped=sample.dropped, repeated=repeated),
            methods=parametric_methods(summary, sample.unit),
        ),
        models=[parametric_model(one, summary, sample.profiles) for one in summary.models],
        comparison=[wire.RankedModel(**convert.figures(ranked)) for ranked in summary.comparison],
    )


def parametric_model(one: PredictingModel, summary: ParametricSummary, profiles: FloatArray) -> wire.ParametricModel:
    """Return a model with its predictions."""
    model, size = one.model, one.model.coefficient.size
    return wire.ParametricModel(
        distribution=model.distribution,
        converged=model.converged,
        iterations=model.iterations,
        log_likelihood=convert.number(model.log_likelihood),
        parameters=model.parameters.size,
        aic=convert.number(model.aic),
        intercept=parameter(model, 0),
        coefficients=time_ratios(model, summary.design),
        scale=convert.number(float(np.exp(model.log_scale))) if model.converged else None,
        log_scale=parameter(model, size) if model.distribution != "exponential" else None,
        shape=parameter(model, size + 1) if model.distribution == "generalized-gamma" else None,
        predictions=[prediction(one, summary, place, profile) for place, profile in enumerate(profiles)],
        reason=model.reason,
    )


def parameter(model: ParametricModel, place: int) -> wire.ModelParameter:
    """Return the parameter at a place."""
    return wire.ModelParameter(**convert.figures(model.parameter(place)))


def time_ratios(model: ParametricModel, design: Design) -> list[wire.TimeRatio]:
    """Return the coefficients with the terms and levels that they are of."""
    names = ("coefficient", "standard_error", "time_ratio", "lower", "upper", "z", "p_value")
    figures = convert.rows({name: getattr(model, name)[1:] for name in names})
    return [
        wire.TimeRatio(
            **wire_term(column),
            **of_column,
            meaning=meaning(column, ratio),
            reason=_reason(model, of_column),
        )
        for column, of_column, ratio in zip(design.columns, figures, model.time_ratio[1:].tolist(), strict=True)
    ]


def prediction(
    one: PredictingModel, summary: ParametricSummary, place: int, profile: FloatArray
) -> wire.ParametricPrediction:
    """Return what a model predicts for the profile at a place."""
    (median,) = _rows(one, one.medians, place)
    rates = zip(summary.options.landmarks, _rows(one, one.survival, place), strict=True)
    return wire.ParametricPrediction(
        profile=wire_profile(summary.design, profile),
        median=wire.PredictedTime(**median),
        rates=[PredictedRate(time=time, survival=rate.pop("estimate"), **rate) for time, rate in rates],
    )


def _rows(one: PredictingModel, predictions: Predictions, place: int) -> list[dict[str, Any]]:
    """Return the figures of the profile at a place."""
    names = ("estimate", "standard_error", "lower", "upper")
    figures = convert.rows({name: getattr(predictions, name)[place] for name in names})
    return [row | {"reason": _reason(one.model, row)} for row in figures]


def _reason(model: ParametricModel, figures: Mapping[str, float | None]) -> str | None:
    return model.reason or out_of_range(*figures.values())
