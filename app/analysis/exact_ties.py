"""The partial likelihood with ties taken as they are: of d events at a time, which d of those at risk had them."""

from collections.abc import Callable, Iterator

import numpy as np

from app.analysis.arrays import FloatArray, IntArray, sum_by
from app.analysis.errors import InvalidParameterError
from app.analysis.observations import Observations
from app.analysis.partial_likelihood import PartialLikelihood, partial_likelihood
from app.analysis.risk_sets import RiskSets

#: Products that one evaluation may take; about a second.
MAX_WORK = 2e7


def exact_partial_likelihood(
    observations: Observations, sets: RiskSets, covariates: FloatArray
) -> Callable[[FloatArray], PartialLikelihood]:
    """Return the function of the coefficients: log of the partial likelihood in discrete time, and its derivatives.

    log L = sum over event times of x b of the d events - log e_d, where e_d is the sum over all choices of d of the
    n at risk (entry < t <= time) of the product of their exp(x b). One after another is taken in: e_k = e_k before him
    + exp(x b) e_(k - 1) before him, and so for the derivatives. A row of weight w is w rows.

    Parameters
    ----------
    sets : of the observations, with Breslow ties: what holds where one event is alone
    covariates : shape [n, p], best less their mean

    Raises
    ------
    InvalidParameterError
        If weights are no frequencies, or it would take too long: the sum over event times of d n p^2 is above 2e7.

    Source: Cox, JRSS B 1972;34:187; Gail, Lubin & Rubinstein, Biometrika 1981;68:703 (the recursion). Checked against
    the `exact` blocks of aml.json, veteran.json, ovarian.json.

    Examples
    --------
    Two of three die at 1, with exp(x b) = 1, r, 1 of whom the first two: r / (1 + 2 r).

    >>> from app.analysis.observations import observe
    >>> from app.analysis.risk_sets import risk_sets
    >>> sample = observe([1, 1, 2], [True, True, False], group=[0, 1, 2])
    >>> at = exact_partial_likelihood(sample, risk_sets(sample, "breslow"), np.array([[0.0], [1], [0]]))
    >>> round(float(np.exp(at(np.log([3.0])).log_likelihood)), 4) == round(3 / 7, 4)
    True
    """
    if observations.sampling:
        raise InvalidParameterError("exact ties are not defined with sampling weights")
    deaths = sum_by(sets.event_time, sets.weights[sets.event_rows])
    tied = list(_tied(observations, sets, deaths))
    work = sum(float(sets.weights[at_risk].sum() * sets.weights[events].sum()) for at_risk, events in tied)
    if work * (1 + covariates.shape[1]) ** 2 > MAX_WORK:
        raise InvalidParameterError("exact ties of so many would take too long; efron ties are near to them")
    alone = (deaths == 1).astype(np.float64)

    def likelihood(coefficient: FloatArray) -> PartialLikelihood:
        total = partial_likelihood(sets, covariates, coefficient, alone)
        for at_risk, events in tied:
            rows = np.repeat(at_risk, sets.weights[at_risk].astype(np.int64))
            part = _choices(covariates[rows], coefficient, int(sets.weights[events].sum()))
            chosen = sets.weights[events] @ covariates[events]
            total = PartialLikelihood(
                total.log_likelihood + float(chosen @ coefficient) - part.log_likelihood,
                total.score + chosen - part.score,
                total.information + part.information,
            )
        return total

    return likelihood


def _tied(observations: Observations, sets: RiskSets, deaths: FloatArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the rows at risk, and those with the event, at each time at which there are two events or more."""
    entry = np.full(observations.size, -np.inf) if observations.entry is None else observations.entry
    for place in np.flatnonzero(deaths > 1):
        events = sets.event_rows[sets.event_time == place]
        time = observations.time[events[0]]
        yield np.flatnonzero((entry < time) & (time <= observations.time)), events


def _choices(x: FloatArray, coefficient: FloatArray, number: int) -> PartialLikelihood:
    """Return log e_number of rows of covariates, and its first and second derivatives."""
    with np.errstate(all="ignore"):  # too long a step under- or overflows: NaN, and not taken
        predictor = x @ coefficient
        largest = predictor.max()
        risk = np.exp(predictor - largest)
        mean = risk @ x / risk.sum()
        x = x - mean
        rows, columns = x.shape
        square = x[:, :, None] * x[:, None, :]
        value: FloatArray = np.ones(rows)
        slope: FloatArray = np.zeros((rows, columns))
        curvature: FloatArray = np.zeros((rows, columns, columns))
        logarithm = number * largest
        for _ in range(number):
            cross = x[:, :, None] * slope[:, None, :]
            second = square * value[:, None, None] + cross + cross.swapaxes(1, 2) + curvature
            parts = (value, x * value[:, None] + slope, second)
            value, slope, curvature = (np.cumsum((risk * part.T).T, axis=0) for part in parts)
            norm = value[-1]
            logarithm += np.log(norm)
            at_end = slope[-1] / norm, curvature[-1] / norm
            value, slope, curvature = (_shifted(part / norm) for part in (value, slope, curvature))
        score, second = at_end
        return PartialLikelihood(float(logarithm), score + number * mean, second - np.outer(score, score))


def _shifted(values: FloatArray) -> FloatArray:
    """Return for each row what there was before it."""
    return np.concatenate((np.zeros_like(values[:1]), values[:-1]))
