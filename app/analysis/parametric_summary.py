"""Parametric models of one sample, compared by AIC, with what they predict."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.design_matrix import Design, check_told_apart
from app.analysis.observations import Observations
from app.analysis.parametric import ParametricModel, checked_covariates, column_products, parametric_regression
from app.analysis.parametric_families import Distribution
from app.analysis.parametric_predictions import Predictions, predicted_survival, predicted_times
from app.analysis.separation import check_not_separated


@dataclass(frozen=True, slots=True)
class ParametricOptions:
    """What is fitted, and what is predicted: survival at the `landmarks`."""

    distributions: tuple[Distribution, ...] = ("exponential", "weibull", "log-normal", "log-logistic")
    landmarks: tuple[float, ...] = ()
    confidence_level: float = 0.95
    robust: bool = False


@dataclass(frozen=True, slots=True)
class PredictingModel:
    """A model, with medians [k, 1] and survival at the landmarks [k, m] of the profiles."""

    model: ParametricModel
    medians: Predictions
    survival: Predictions


@dataclass(frozen=True, slots=True)
class RankedModel:
    """A model's AIC, how much more it is than the least, and its Akaike weight exp(-difference / 2) / sum."""

    distribution: Distribution
    aic: float
    difference: float
    weight: float


@dataclass(frozen=True, slots=True)
class ParametricSummary:
    """Parametric models of a sample.

    Attributes
    ----------
    events : a sum of weights where these are frequencies
    models : in the order asked for
    comparison : those that converged, the least AIC first
    """

    observations: Observations
    design: Design
    options: ParametricOptions
    events: float
    models: list[PredictingModel]
    comparison: list[RankedModel]

    @property
    def is_robust(self) -> bool:
        """Return whether standard errors are robust."""
        return self.options.robust or self.observations.cluster is not None

    @property
    def predicts(self) -> bool:
        """Return whether there are profiles to predict for."""
        return self.models[0].medians.estimate.size > 0


def summarize_parametric(
    observations: Observations,
    covariates: FloatArray,
    design: Design,
    profiles: FloatArray,
    options: ParametricOptions | None = None,
) -> ParametricSummary:
    """Fit the models asked for, compare them, and predict for the profiles.

    Parameters
    ----------
    covariates : shape [n, p], by the design; rows in the order of the sample's sorted rows
    profiles : covariates that are predicted for, shape [k, p]

    Raises
    ------
    InvalidObservationsError
        If a time is 0, which has no logarithm.
    NoEstimateError
        If there are no events; `NoModelError` if a covariate does not vary, or not apart from others, or separates.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> nothing = np.empty((3, 0))
    >>> summary = summarize_parametric(observe([1, 2, 4], [True] * 3), nothing, Design([], {}), nothing[:1])
    >>> [ranked.distribution for ranked in summary.comparison][0], summary.models[0].medians.estimate.round(4)
    ('exponential', array([[1.6173]]))
    """
    options = options or ParametricOptions()
    x = checked_covariates(observations, covariates)
    check_told_apart(design, column_products(observations, x))
    check_not_separated(design, x, observations.event)
    models = [_predicting(observations, x, profiles, distribution, options) for distribution in options.distributions]
    counts = observations.event if observations.sampling else observations.weights[observations.event]
    return ParametricSummary(
        observations, design, options, float(counts.sum()), models, compared_by_aic([one.model for one in models])
    )


def compared_by_aic(models: list[ParametricModel]) -> list[RankedModel]:
    """Return the models that converged, the least AIC first, those with the same in the given order.

    Source: Akaike, IEEE Trans Automat Contr 1974;19:716; Burnham & Anderson, Sociol Methods Res 2004;33:261.
    """
    ranked = sorted((model for model in models if model.converged), key=lambda model: model.aic)
    if not ranked:
        return []
    difference = np.array([model.aic for model in ranked]) - ranked[0].aic
    weight = np.exp(-difference / 2) / np.exp(-difference / 2).sum()
    columns = zip(ranked, difference.tolist(), weight.tolist(), strict=True)
    return [RankedModel(model.distribution, model.aic, more, share) for model, more, share in columns]


def _predicting(
    observations: Observations,
    covariates: FloatArray,
    profiles: FloatArray,
    distribution: Distribution,
    options: ParametricOptions,
) -> PredictingModel:
    model = parametric_regression(
        observations,
        covariates,
        distribution,
        confidence_level=options.confidence_level,
        robust=options.robust,
    )
    medians = predicted_times(model, profiles, np.array([0.5]))
    return PredictingModel(model, medians, predicted_survival(model, profiles, np.array(options.landmarks)))
