"""Between the wire and parametric models: request to sample and options, summary to response."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.design_matrix import Design
from app.analysis.observations import observe
from app.analysis.parametric import ParametricModel
from app.analysis.parametric_notes import meaning, parametric_methods, parametric_warnings
from app.analysis.parametric_predictions import OUT_OF_RANGE, Predictions
from app.analysis.parametric_summary import (
    ParametricOptions,
    ParametricSummary,
    PredictingModel,
    summarize_parametric,
)
from app.api import convert
from app.api.convert_regression import (
    RegressionSample,
    is_robust,
    regression_sample,
    told_by_name,
    wire_level,
    wire_value,
)
from app.api.convert_subjects import codes
from app.schemas import parametric as wire
from app.schemas.common import Meta
from app.schemas.cox import PredictedRate
from app.schemas.regression import term_names


def answer(request: wire.ParametricRequest, input_sha256: str) -> wire.ParametricResponse:
    """Return the parametric models that a request asks for."""
    with told_by_name(request):
        sample = parametric_sample(request)
        options = ParametricOptions(
            tuple(request.distributions), tuple(request.landmarks), request.confidence_level, sample.robust
        )
        summary = summarize_parametric(sample.observations, sample.covariates, sample.design, sample.profiles, options)
    return wire.ParametricResponse(
        meta=_meta(request, sample, summary, input_sha256),
        models=[parametric_model(one, summary, sample.profiles) for one in summary.models],
        comparison=[wire.RankedModel(**convert.figures(ranked)) for ranked in summary.comparison],
    )


def parametric_sample(request: wire.ParametricRequest) -> RegressionSample:
    """Return the sample of a request; without terms there is one profile, which has no values."""
    if term_names(request):
        return regression_sample(request, request.subjects.event)
    subjects, robust = request.subjects, is_robust(request)
    cluster = (subjects.cluster or subjects.id) if robust else None
    observations = observe(
        subjects.time,
        subjects.event,
        entry=subjects.entry,
        weight=subjects.weight,
        cluster=codes(cluster, sorted(set(cluster or ()))),
        sampling=request.weight_kind == "sampling",
    )
    count = observations.subjects if subjects.id is None else len(set(subjects.id))
    profiles = np.empty((len(request.predict_for) or 1, 0))
    return RegressionSample(observations, profiles[:1], Design([], {}), profiles, [], robust, count, count, {})


def _meta(
    request: wire.ParametricRequest, sample: RegressionSample, summary: ParametricSummary, input_sha256: str
) -> Meta:
    dropped = sum(sample.excluded.values())
    told = f"{dropped} of {sample.subjects_in}" if dropped else ""
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
        warnings=convert.cautions(parametric_warnings(summary, dropped=told, repeated=has_repeated_events(request))),
        methods=[*parametric_methods(summary, clustered=request.subjects.cluster is not None)],
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
    figures = zip(*(convert.numbers(getattr(model, name)[1:]) for name in names), strict=True)
    return [
        wire.TimeRatio(
            term=column.term,
            level=wire_level(column.level),
            reference=wire_level(column.reference),
            **dict(zip(names, values, strict=True)),
            meaning=meaning(column, ratio),
            reason=_reason(model, values),
        )
        for column, values, ratio in zip(design.columns, figures, model.time_ratio[1:].tolist(), strict=True)
    ]


def prediction(
    one: PredictingModel, summary: ParametricSummary, place: int, profile: FloatArray
) -> wire.ParametricPrediction:
    """Return what a model predicts for the profile at a place."""
    (median,) = _rows(one, one.medians, place)
    rates = zip(summary.options.landmarks, _rows(one, one.survival, place), strict=True)
    return wire.ParametricPrediction(
        profile={term: wire_value(value) for term, value in summary.design.profile(profile).items()},
        median=wire.PredictedTime(**median),
        rates=[PredictedRate(time=time, survival=rate.pop("estimate"), **rate) for time, rate in rates],
    )


def has_repeated_events(request: wire.ParametricRequest) -> bool:
    """Return whether a subject has more than one event."""
    ids = [one for one, event in zip(request.subjects.id or (), request.subjects.event, strict=False) if event]
    return len(set(ids)) < len(ids)


def _rows(one: PredictingModel, predictions: Predictions, place: int) -> list[dict[str, Any]]:
    """Return the figures of the profile at a place."""
    names = ("estimate", "standard_error", "lower", "upper")
    columns = (convert.numbers(getattr(predictions, name)[place]) for name in names)
    figures = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
    return [row | {"reason": _reason(one.model, row.values())} for row in figures]


def _reason(model: ParametricModel, figures: Iterable[float | None]) -> str | None:
    return model.reason or (OUT_OF_RANGE if None in figures else None)
