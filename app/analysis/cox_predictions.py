"""Survival that a Cox model predicts: the baseline hazard of each stratum, and curves at covariate profiles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import TOLERANCE, FloatArray
from app.analysis.conventions import Ties
from app.analysis.cox import CoxModel
from app.analysis.intervals import normal_quantile
from app.analysis.landmarks import BEYOND_FOLLOW_UP
from app.analysis.observations import Observations
from app.analysis.partial_likelihood import relative_risks
from app.analysis.risk_sets import risk_sets, sums_at

#: A log hazard ratio beyond this is taken for it: nobody survives either, and nothing overflows.
LARGEST = 300.0


@dataclass(frozen=True, slots=True)
class BaselineHazard:
    """The cumulative hazard of a stratum at a profile of covariates, at its m event times.

    Attributes
    ----------
    time : shape [m]
    unit : logarithm of what hazards are counted in: that at the profile may be beyond numbers while others are not
    units : the hazard in this unit, shape [m]
    variance : of the hazard where coefficients are known, in the square of the unit, shape [m]
    mean : integral of the mean covariates at risk, less the profile, over the hazard, in the unit; shape [m, p]
    profile : covariates, shape [p]
    observations : of the stratum
    """

    time: FloatArray
    unit: float
    units: FloatArray
    variance: FloatArray
    mean: FloatArray
    profile: FloatArray
    observations: Observations

    @property
    def hazard(self) -> FloatArray:
        """Return the hazard, infinite where it is beyond the largest number; shape [m]."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.unit + np.log(self.units)))


@dataclass(frozen=True, slots=True)
class PredictedSurvival:
    """Survival of a profile at some times, shape [m]; limits are on the log scale, at most 1."""

    time: FloatArray
    survival: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, slots=True)
class PredictedRate:
    """Survival of a profile at a landmark; NaN where it is not known, with the reason."""

    time: float
    survival: float
    standard_error: float
    lower: float
    upper: float
    reason: str | None


def baseline_hazard(
    observations: Observations, covariates: FloatArray, coefficient: FloatArray, profile: FloatArray, *, ties: Ties
) -> BaselineHazard:
    """Return the cumulative hazard of one stratum at a profile x0.

    H(t) = exp(x0 b) times the sum over steps up to t of mass / S0, S0 = sum over those at risk (entry < t <= time) of
    exp(x b): with Breslow ties one step an event time, with Efron ties one an event.

    Parameters
    ----------
    observations : of the stratum alone
    covariates, coefficient, profile : shapes [n, p], rows as in `observations`; [p]; [p]

    Source: Breslow, JRSS B 1972;34:216; Efron, JASA 1977;72:557. Checked, as `predicted_survival`, against the
    `survival_curve` of the `cox` blocks of R's files.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> sample, x = observe([1, 2, 3], [True, True, False], group=[0, 1, 2]), np.array([[0.0], [1.0], [0.0]])
    >>> baseline_hazard(sample, x, np.log([2.0]), np.array([0.0]), ties="breslow").hazard.round(4)
    array([0.25  , 0.5833])
    """
    columns = coefficient.size
    if not observations.event.any():
        none = np.zeros(0)
        return BaselineHazard(none, 0.0, none, none, np.zeros((0, columns)), profile, observations)
    sets = risk_sets(observations, ties)
    x = np.where(sets.weights[:, None] > 0, covariates - profile, 0)  # who is at risk at no event does not matter
    _, _, at_risk, mean = relative_risks(sets, x, coefficient)
    per_event = np.vstack((1 / at_risk, 1 / at_risk**2, mean / at_risk))
    sums = np.cumsum(sums_at(sets.step_time, sets.mass * per_event), axis=1)
    time = observations.time[sets.event_rows][np.flatnonzero(np.diff(sets.event_time, prepend=-1))]
    unit = -float((x @ coefficient).max())
    return BaselineHazard(time, unit, sums[0], sums[1], sums[2:].T, profile, observations)


def predicted_survival(
    baseline: BaselineHazard, model: CoxModel, profile: FloatArray, at: FloatArray, confidence_level: float
) -> PredictedSurvival:
    """Return exp(-H(t) exp((x - x0) b)) at the times `at`, with limits exp(log S -+ z se), se that of the hazard of x.

    With q = (x - x0) H - integral of (xbar - x0) dH, V the covariance of b and A the variance of H for known b, the
    variance of the hazard is exp(2 (x - x0) b) (A + q V q').

    Parameters
    ----------
    profile, at : covariates x, shape [p]; times, shape [m]

    Source: Tsiatis, Ann Stat 1981;9:93; Link, Biometrics 1984;40:601. Checked as `baseline_hazard` is.

    Examples
    --------
    >>> from app.analysis.cox import cox_regression
    >>> from app.analysis.observations import observe
    >>> sample, x = observe([1, 2, 3], [True, True, False], group=[0, 1, 2]), np.array([[1.0], [0.0], [1.0]])
    >>> model = cox_regression(sample, x)
    >>> baseline = baseline_hazard(sample, x, model.coefficient, np.array([0.0]), ties="efron")
    >>> predicted_survival(baseline, model, np.array([1.0]), np.array([1.0, 2.5]), 0.95).survival.round(4)
    array([0.7461, 0.4931])
    """
    place = np.searchsorted(baseline.time, at, side="right")
    hazard, variance = (np.concatenate(([0.0], of))[place] for of in (baseline.units, baseline.variance))
    mean = np.concatenate((np.zeros((1, profile.size)), baseline.mean))[place]
    away = profile - baseline.profile
    ratio, q = np.exp(min(float(away @ model.coefficient) + baseline.unit, LARGEST)), hazard[:, None] * away - mean
    cumulative = ratio * hazard
    error = ratio * np.sqrt(variance + np.einsum("ij,jk,ik->i", q, model.covariance, q))
    width = normal_quantile(confidence_level) * error
    survival = np.exp(-cumulative)
    lower, upper = np.exp(-cumulative - width), np.exp(np.minimum(-cumulative + width, 0))
    return PredictedSurvival(at, survival, survival * error, lower, upper)


def predicted_rates(
    baseline: BaselineHazard,
    model: CoxModel,
    profile: FloatArray,
    landmarks: Sequence[float],
    *,
    confidence_level: float,
    carries_forward: bool,
) -> list[PredictedRate]:
    """Return survival of a profile at landmarks; beyond the last follow-up it is carried forward or does not exist."""
    times = baseline.observations.tied(np.array(landmarks, dtype=np.float64))
    found = predicted_survival(baseline, model, profile, times, confidence_level)
    beyond = (times > baseline.observations.time[-1]) & (not carries_forward)
    figures = np.where(beyond, np.nan, (found.survival, found.standard_error, found.lower, found.upper))
    reasons = [BEYOND_FOLLOW_UP if hidden else None for hidden in beyond]
    return [PredictedRate(*row) for row in zip(landmarks, *figures.tolist(), reasons, strict=True)]


def predicted_median(curve: PredictedSurvival) -> tuple[float, float, float]:
    """Return the first times at which survival, and its limits, are 0.5 or less; NaN where they stay above.

    Examples
    --------
    >>> found = np.array([0.9, 0.5]), np.array([0.1, 0.1]), np.array([0.5, 0.2]), np.array([1, 0.9])
    >>> predicted_median(PredictedSurvival(np.array([1.0, 2.0]), *found))
    (2.0, 1.0, nan)
    """
    reached = [curve.time[limit <= 0.5 + TOLERANCE] for limit in (curve.survival, curve.lower, curve.upper)]
    estimate, lower, upper = (float(times[0]) if times.size else np.nan for times in reached)
    return estimate, lower, upper
