"""Cox regression: the maximum of the partial likelihood."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Ties
from app.analysis.design_matrix import dependent_columns
from app.analysis.errors import InvalidParameterError, NoEstimateError
from app.analysis.exact_ties import exact_partial_likelihood
from app.analysis.intervals import wald_ratio
from app.analysis.observations import Observations
from app.analysis.partial_likelihood import (
    PartialLikelihood,
    clusters_at_risk,
    partial_likelihood,
    score_residuals,
    score_variance,
    standardised,
)
from app.analysis.risk_sets import RiskSets, risk_sets

CoxTies = Ties | Literal["exact"]

#: A likelihood that has a maximum is there in about log(n) steps; one that has none gains a factor e a step forever.
MAX_ITERATIONS = 20
#: No linear predictor moves by more than this in the last step, so the next would move it by about the square.
LAST_STEP = 1e-7
#: The likelihood and its derivatives are the same at both ends of a step as short as this.
NO_STEP = 1e-10
#: Of the linear predictor. A longer one would overshoot where the information at 0 is small: a rare, strong covariate.
LONGEST_STEP = 5.0
#: As many take a step to rounding; only a likelihood that is no number, of weights too far apart, descends still.
MAX_HALVINGS = 60
#: Information below this share of the events' is what rounding leaves of 0; the covariates are in units of their SD.
ROUNDING = 1e-11

Likelihood = Callable[[FloatArray], PartialLikelihood]


class NoMaximumError(NoEstimateError):
    """The likelihood has no maximum, or not just one, because of the covariates in some columns.

    Attributes
    ----------
    columns : counted from 0
    monotone : whether it rises forever along these, instead of being the same along them
    """

    def __init__(self, columns: Sequence[int], *, monotone: bool) -> None:
        problem = "do not vary, or not apart from one another, among those at risk at the events"
        if monotone:
            problem = "have a monotone likelihood, or one whose maximum is out of reach"
        super().__init__(f"the covariates in columns {', '.join(map(str, columns))} {problem}")
        self.columns, self.monotone = list(columns), monotone


@dataclass(frozen=True, slots=True)
class CoxModel:
    """A fitted model; arrays have shape [p], the order of the covariates, unless said otherwise.

    Attributes
    ----------
    coefficient : log hazard ratio of one unit of the covariate
    standard_error : robust where the model is; NaN if the clusters are too few for one
    z, p_value : Wald test of a coefficient of 0; NaN where the standard error is
    hazard_ratio, lower, upper : exp(coefficient), exp(coefficient -+ quantile standard_error)
    log_likelihood, null_log_likelihood : partial, without the penalty, at the coefficients and at 0
    iterations : Newton steps
    model_based_standard_error : from the information alone
    covariance : of the coefficients, with NaN where the standard error is; shape [p, p]
    score_statistic, robust_score_statistic : of the tests that all coefficients are 0; the latter NaN if not robust
    """

    coefficient: FloatArray
    standard_error: FloatArray
    z: FloatArray
    p_value: FloatArray
    hazard_ratio: FloatArray
    lower: FloatArray
    upper: FloatArray
    log_likelihood: float
    null_log_likelihood: float
    iterations: int
    model_based_standard_error: FloatArray
    covariance: FloatArray
    score_statistic: float
    robust_score_statistic: float


def cox_regression(
    observations: Observations,
    covariates: FloatArray,
    *,
    ties: CoxTies = "efron",
    confidence_level: float = 0.95,
    robust: bool | None = None,
    penalizer: float = 0.0,
) -> CoxModel:
    """Estimate log hazard ratios: the maximum of the partial likelihood by Newton's method with step halving.

    Hazard of a row: h0(t) exp(x b); risk sets count entry < t <= time; a row of weight w is w rows, with any handling
    of ties. The variance is I^-1, if robust I^-1 (sum u u') I^-1, u the score residuals summed within a cluster, or
    without clusters of each row. A ridge penalty takes n penalizer / 2 sum (b SD(x))^2 off the log likelihood of n
    rows.

    Parameters
    ----------
    covariates : finite, shape [n, p]; rows in the order of the sorted rows of `observations`
    robust : by default where the sample has clusters; not with exact ties

    Raises
    ------
    InvalidObservationsError, InvalidParameterError
        If the covariates do not have that shape or are not finite; if exact ties would take too long, or be robust.
    NoEstimateError
        If the model does not exist: no events, or a NoMaximumError that has the columns.

    Source: Cox, JRSS B 1972;34:187; Efron, JASA 1977;72:557; Lin & Wei, JASA 1989;84:1074; Verweij & van Houwelingen,
    Stat Med 1994;13:2427. Checked against the `cox` blocks of R's files, and the penalty against lifelines.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> model = cox_regression(observe([1, 2, 3], [True, True, False]), np.array([[1.0], [0.0], [1.0]]))
    >>> model.hazard_ratio.round(4), round(model.log_likelihood, 4)
    (array([0.7071]), -1.7627)
    """
    robust = observations.cluster is not None if robust is None else robust
    if ties == "exact" and robust:
        raise InvalidParameterError("robust standard errors are not defined with exact ties")
    sets = risk_sets(observations, "breslow" if ties == "exact" else ties)
    x, scale = standardised(sets, covariates)
    ridge = penalizer * _penalty_scale(observations, covariates, scale) if penalizer else np.zeros_like(scale)
    scaled, null, maximum, iterations = newton_maximum(sets.mass, x, _likelihood(observations, sets, x, ties), ridge)
    naive = np.linalg.inv(maximum.information + np.diag(ridge))
    covariance = robust_covariance(observations, sets, x, scaled, naive) if robust else naive
    coefficient, standard_error = scaled / scale, np.sqrt(covariance.diagonal()) / scale
    return CoxModel(
        coefficient,
        standard_error,
        *wald_ratio(coefficient, standard_error, confidence_level),
        maximum.log_likelihood,
        null.log_likelihood,
        iterations,
        np.sqrt(naive.diagonal()) / scale,
        covariance / np.outer(scale, scale),
        float(null.score @ np.linalg.solve(null.information, null.score)) if not penalizer else np.nan,
        _robust_score(observations, sets, x, null.score) if robust and not penalizer else np.nan,
    )


def _penalty_scale(observations: Observations, covariates: FloatArray, scale: FloatArray) -> FloatArray:
    """Return n times the variance of each covariate, among all rows, in units of `scale`; n the subjects."""
    counts = np.ones(observations.size) if observations.sampling else observations.weights
    number = counts.sum()
    deviation = (covariates - np.average(covariates, axis=0, weights=counts)) / scale
    return np.asarray(number / max(number - 1, 1) * (counts @ deviation**2))


def _likelihood(observations: Observations, sets: RiskSets, x: FloatArray, ties: CoxTies) -> Likelihood:
    if ties == "exact":
        return exact_partial_likelihood(observations, sets, x)
    return lambda coefficient: partial_likelihood(sets, x, coefficient)


def newton_maximum(
    mass: FloatArray, x: FloatArray, likelihood: Likelihood, ridge: FloatArray | None = None
) -> tuple[FloatArray, PartialLikelihood, PartialLikelihood, int]:
    """Return the coefficients of standardised covariates, the likelihood at 0 and at these, and the Newton steps.

    Parameters
    ----------
    mass : events that leave at each step of the likelihood
    x : the covariates of all rows, shape [n, p]

    Raises
    ------
    NoEstimateError
        If there are no events, or a NoMaximumError that has the columns.
    """
    if not mass.size:
        raise NoEstimateError("there are no events")
    coefficient: FloatArray = np.zeros(x.shape[1])
    ridge = np.zeros_like(coefficient) if ridge is None else ridge
    penalty = np.diag(ridge)
    null = current = likelihood(coefficient)
    least = ROUNDING * mass.sum()
    varies = null.information.diagonal() > least
    if not varies.all():
        raise NoMaximumError(np.flatnonzero(~varies)[:1].tolist(), monotone=False)
    for iteration in range(1, MAX_ITERATIONS + 1):
        values, vectors = np.linalg.eigh(current.information + penalty)
        if values[0] <= least:
            columns = dependent_columns(null.information, least) if iteration == 1 else []
            raise NoMaximumError(columns or _columns(vectors[:, 0]), monotone=iteration > 1)
        step = vectors @ (vectors.T @ (current.score - ridge * coefficient) / values)
        length = np.abs(x @ step).max()
        if length <= NO_STEP:
            return coefficient + step, null, current, iteration
        step /= max(1.0, length / LONGEST_STEP)
        coefficient, current = _ascent(likelihood, ridge, coefficient, step, current)
        if length <= LAST_STEP:
            return coefficient, null, current, iteration
    raise NoMaximumError(_columns(step), monotone=True)


def _ascent(
    likelihood: Likelihood, ridge: FloatArray, start: FloatArray, step: FloatArray, before: PartialLikelihood
) -> tuple[FloatArray, PartialLikelihood]:
    """Return the end of the step and the likelihood there, after as many halvings as it takes not to descend."""
    at_start = before.log_likelihood - ridge @ start**2 / 2
    least = at_start - 1e-12 * (1 + abs(at_start))
    for _ in range(MAX_HALVINGS):
        end = likelihood(start + step)
        if end.log_likelihood - ridge @ (start + step) ** 2 / 2 >= least:
            return start + step, end
        step = step / 2
    raise NoMaximumError(_columns(step), monotone=False)


def _columns(direction: FloatArray) -> list[int]:
    """Return the columns in which a direction is not but for rounding 0."""
    columns: list[int] = np.flatnonzero(np.abs(direction) > 1e-3 * np.abs(direction).max()).tolist()
    return columns


def robust_covariance(
    observations: Observations, sets: RiskSets, x: FloatArray, coefficient: FloatArray, naive: FloatArray
) -> FloatArray:
    """Return the sandwich of the naive covariance and the score residuals by cluster, NaN where these are too few."""
    robust = naive @ score_variance(observations, score_residuals(sets, x, coefficient)) @ naive
    # The residuals sum to 0: with no more clusters than coefficients some combination of these has no variance at all.
    exists = (robust.diagonal() > 1e-12 * naive.diagonal()) & (clusters_at_risk(observations, sets) > coefficient.size)
    return np.where(exists & exists[:, None], robust, np.nan)


def _robust_score(observations: Observations, sets: RiskSets, x: FloatArray, score: FloatArray) -> float:
    variance = score_variance(observations, score_residuals(sets, x, np.zeros_like(score)))
    values = np.linalg.eigvalsh(variance)
    if clusters_at_risk(observations, sets) <= score.size or values[0] <= 1e-12 * values[-1]:
        return np.nan
    return float(score @ np.linalg.solve(variance, score))
