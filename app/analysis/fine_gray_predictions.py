"""Cumulative incidence predicted by a Fine-Gray model."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import BoolArray, FloatArray
from app.analysis.errors import InvalidObservationsError
from app.analysis.fine_gray import FineGrayFit, FineGrayModel
from app.analysis.fine_gray_influence import influence_of_weights
from app.analysis.intervals import normal_quantile
from app.analysis.observations import Observations
from app.analysis.partial_likelihood import relative_risks, score_variance
from app.analysis.risk_sets import sums_at

#: Of x b: beyond it the incidence is 1 to the last digit, and the hazard soon no number.
LARGEST = 300.0


@dataclass(frozen=True, slots=True)
class SubdistributionCurves:
    """Subdistribution hazard H and incidence F up to and including each event time of a stratum.

    Attributes
    ----------
    time : distinct times of the event of interest, shape [m]
    hazard, incidence : H(t) and F(t) = 1 - exp(-H(t)) of each profile, shape [q, m]
    """

    time: FloatArray
    hazard: FloatArray
    incidence: FloatArray


@dataclass(frozen=True, slots=True)
class PredictedIncidence:
    """F of each profile at given times, shape [q, l]; NaN where it is not known.

    The limits are NaN where F = 0 too; they and the standard error are if the clusters are too few.
    """

    incidence: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray


def subdistribution_curves(model: FineGrayModel, profiles: FloatArray, stratum: int = 0) -> SubdistributionCurves:
    """Predict the cumulative incidence of subjects with covariates x: F(t) = 1 - exp(-H0(t) exp(x b)).

    H0(t) is the sum over the events up to and including t, in the stratum, of 1 over the sum of the weights in the risk
    set times exp(x b): Breslow's estimate, in Efron's steps where the model has these.

    Parameters
    ----------
    profiles : finite, shape [q, p]
    stratum : code of the stratum; 0 without strata

    Source: Fine & Gray, JASA 1999;94:496, section 5. Checked against melanoma.json (`fine_gray`, `predicted_cif`).

    Examples
    --------
    >>> from app.analysis.fine_gray import fine_gray_regression
    >>> from app.analysis.observations import observe
    >>> model = fine_gray_regression(observe([1, 2, 3, 4], [2, 1, 1, 0]), np.array([[1.0], [1.0], [0.0], [0.0]]))
    >>> subdistribution_curves(model, np.array([[0.0]])).hazard.round(4)
    array([[0.2071, 0.5   ]])
    """
    fit = model.fit
    predictor, _ = _profiles(fit, profiles)
    _, _, total, _ = relative_risks(fit.sets, fit.standardised, fit.scaled)
    growth = sums_at(fit.sets.step_time, fit.sets.mass / total)
    time, counts = _event_times(fit, stratum)
    hazard = np.exp(predictor)[:, None] * np.cumsum(growth[counts])
    return SubdistributionCurves(time[counts], hazard, -np.expm1(-hazard))


def predicted_incidence(
    model: FineGrayModel,
    profiles: FloatArray,
    times: FloatArray,
    stratum: int = 0,
    *,
    confidence_level: float = 0.95,
    carries_forward: bool = False,
) -> PredictedIncidence:
    """Predict the cumulative incidence at given times, with limits by the logarithm of the subdistribution hazard.

    F and its limits are 1 - exp(-H), H = H0(t) exp(x b), and 1 - exp(-H exp(-+ z s)). The variance s^2 of log H sums,
    over rows or clusters, the squared influence on it by way of the events and the risk sets, of the weights of those
    with a competing event, and of b, whose part is x - (integral of xbar dH0) / H0.

    Parameters
    ----------
    profiles, times : finite, shape [q, p] and [l]
    stratum : code of the stratum; 0 without strata
    carries_forward : whether F keeps its last value beyond the last follow-up of the stratum

    Source: Fine & Gray, JASA 1999;94:496, section 5. F is checked against melanoma.json (`predicted_cif`).

    Examples
    --------
    >>> from app.analysis.fine_gray import fine_gray_regression
    >>> from app.analysis.observations import observe
    >>> model = fine_gray_regression(observe([1, 2, 3, 4], [2, 1, 1, 0]), np.array([[1.0], [1.0], [0.0], [0.0]]))
    >>> predicted = predicted_incidence(model, np.array([[0.0]]), np.array([2.5, 5.0]))
    >>> predicted.incidence.round(4), predicted.lower.round(4)
    (array([[0.1871,    nan]]), array([[0.0585,    nan]]))
    """
    fit = model.fit
    predictor, x = _profiles(fit, profiles)
    at = fit.observations.tied(np.asarray(times, dtype=np.float64))
    known = carries_forward | (at <= fit.observations.time[_is_of(fit.observations, stratum)].max())
    base, variance = np.full(at.size, np.nan), np.full((x.shape[0], at.size), np.nan)
    for place in np.flatnonzero(known):
        base[place], variance[:, place] = _log_hazard_variance(model, x, at[place], stratum)
    with np.errstate(over="ignore", invalid="ignore"):
        hazard, error = np.exp(predictor)[:, None] * base, np.sqrt(variance)
        width = normal_quantile(confidence_level) * error
        lower, upper = (-np.expm1(-hazard * np.exp(shift)) for shift in (-width, width))
        standard_error = np.where(hazard > 0, np.exp(-hazard) * hazard * error, hazard)
    return PredictedIncidence(-np.expm1(-hazard), standard_error, lower, upper)


def _profiles(fit: FineGrayFit, profiles: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return x b of the profiles, less the largest of the sample, and the profiles in the sample's units."""
    raw: FloatArray = np.asarray(profiles, dtype=np.float64)
    if raw.ndim != 2 or raw.shape[1] != fit.scale.size or not np.isfinite(raw).all():
        raise InvalidObservationsError("profiles are finite: a value for each covariate")
    row = int(np.argmax(fit.sets.weights))
    x = fit.standardised[row] + (raw - fit.covariates[fit.order[row]]) / fit.scale
    return np.minimum(x @ fit.scaled - (fit.standardised @ fit.scaled).max(), LARGEST), x


def _is_of(observations: Observations, stratum: int) -> BoolArray:
    """Return which rows are of the stratum, all where there are no strata."""
    return np.asarray(
        (np.zeros(observations.size) if observations.stratum is None else observations.stratum) == stratum
    )


def _event_times(fit: FineGrayFit, stratum: int) -> tuple[FloatArray, BoolArray]:
    """Return the event times of all strata, in sequence, and which are of the stratum; shape [m]."""
    _, first = np.unique(fit.sets.event_time, return_index=True)
    rows = fit.sets.event_rows[first]
    return fit.observations.time[fit.order[rows]], _is_of(fit.sample, stratum)[rows]


def _log_hazard_variance(model: FineGrayModel, x: FloatArray, time: float, stratum: int) -> tuple[float, FloatArray]:
    """Return H0 at a time, for the largest x b of the sample, and the variance of log H of each profile, [q]."""
    fit, sets = model.fit, model.fit.sets
    _, risk, total, mean = relative_risks(sets, fit.standardised, fit.scaled)
    times, is_in = _event_times(fit, stratum)
    mass = sets.mass * ((times <= time) & is_in)[sets.step_time]
    hazard = float((mass / total).sum())
    if hazard == 0 or np.isnan(model.covariance).any():
        return hazard, np.full(x.shape[0], np.nan)
    slope, weights = -mass / total**2, sets.weights * risk
    own = risk * sets.accrued(slope) + influence_of_weights(fit.sample, sets, weights[None], slope[None])[0]
    per_event = sums_at(sets.step_time, mass / total) / sums_at(sets.step_time, sets.mass)
    own[sets.event_rows] += per_event[sets.event_time]
    events = sets.mass.sum()  # makes the influence of a subject a number about 1
    influence = events * np.column_stack((own / hazard, fit.influence))
    direction = np.column_stack((np.ones(x.shape[0]), x - mean @ (mass / total) / hazard))
    joint = score_variance(fit.sample, influence) / events**2
    return hazard, np.maximum(np.einsum("qi,ij,qj->q", direction, joint, direction), 0.0)
