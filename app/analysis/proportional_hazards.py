"""The test of proportional hazards: whether log hazard ratios change with time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Ties
from app.analysis.errors import InvalidObservationsError, InvalidParameterError
from app.analysis.hazard_ratios import GroupFit
from app.analysis.hypothesis_test import HypothesisTest, quadratic_form_test
from app.analysis.observations import Observations, strata_in_sequence
from app.analysis.partial_likelihood import PartialLikelihood, partial_likelihood, relative_risks, standardised
from app.analysis.risk_sets import RiskSets, risk_sets, sums_at
from app.analysis.risk_table import risk_table

TimeTransform = Literal["km", "rank", "identity"]
NAME = "proportional-hazards"
#: An information below this share of the events' is what rounding leaves of 0; the covariates are in units of their SD.
ROUNDING = 1e-11


@dataclass(frozen=True, slots=True)
class ProportionalHazards:
    """Tests of "the log hazard ratios do not change with time": of each term, and of all covariates together."""

    terms: list[HypothesisTest]
    overall: HypothesisTest


def proportional_hazards_test(
    observations: Observations,
    covariates: FloatArray,
    coefficient: FloatArray,
    *,
    ties: Ties = "efron",
    transform: TimeTransform = "km",
    terms: Sequence[Sequence[int]] | None = None,
) -> ProportionalHazards:
    """Test whether log hazard ratios are b, against b + theta g(t), by the score test of theta = 0 at the maximum b.

    With x - xbar of the events, s_k, and the covariance V_k of x at risk weighted by exp(x b), at each step k: score
    U = sum g_k s_k, variance sum g_k^2 V_k - (sum g_k V_k) (sum V_k)^-1 (sum g_k V_k). A term has its part of both.
    Risk sets count entry < t <= time, within strata where the sample has them; clusters and their robust variance do
    not matter. g is of time over all strata: 1 - S(t-) by Kaplan-Meier, the mean rank of t among all follow-up times,
    or t. A row of weight w is w rows in all of it (R's S and ranks leave weights out).

    Parameters
    ----------
    covariates, coefficient : finite, shape [n, p], rows as in `observations`; [p], of the fitted model
    terms : columns that are tested together, each column alone by default

    Returns
    -------
    tests on p or fewer degrees of freedom; NaN with a reason where theta leaves the likelihood as it is

    Raises
    ------
    InvalidObservationsError, InvalidParameterError
        If the covariates do not have that shape or are not finite; if there is no such transform.

    Source: Grambsch & Therneau, Biometrika 1994;81:515. Checked against the `zph` of the `cox` blocks of R's files.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> x, sample = np.array([[1.0], [0.0], [1.0]]), observe([1, 2, 3], [True, True, False])
    >>> round(proportional_hazards_test(sample, x, np.log([0.5**0.5])).overall.statistic, 4)
    1.4142
    """
    x: FloatArray = np.asarray(covariates, dtype=np.float64)
    if x.shape != (observations.size, np.size(coefficient)):
        raise InvalidObservationsError("covariates are finite: one for each coefficient, a row for each of the sample")
    in_sequence = strata_in_sequence(replace(observations, group=np.arange(observations.size)))
    order, sets = in_sequence.groups, risk_sets(in_sequence, ties)
    first = np.flatnonzero(np.diff(sets.event_time, prepend=-1))
    time = _transformed(observations, transform)[order][sets.event_rows[first]]
    x, scale = standardised(sets, x[order])
    scaled = coefficient * scale
    g = _standard_time(_information_by_time(sets, x, scaled), sums_at(sets.step_time, sets.mass), time)
    constant, linear, square = (partial_likelihood(sets, x, scaled, factor) for factor in (None, g, g**2))
    naive = np.linalg.pinv(constant.information, rcond=ROUNDING, hermitian=True)
    score, variance = _efficient_score(naive, constant, linear, square, sets.mass.sum())

    def test(columns: Sequence[int]) -> HypothesisTest:
        return _test(score[columns], variance[np.ix_(columns, columns)])

    every = range(scale.size)
    return ProportionalHazards([test(term) for term in ([[c] for c in every] if terms is None else terms)], test(every))


def groups_proportional(observations: Observations, fit: GroupFit) -> HypothesisTest:
    """Test whether the hazard ratios of the groups, those that have one, do not change with time: 1 - S(t-) for g(t).

    Sampling weights are taken as shares of the rows: their unit does not matter. See `proportional_hazards_test`.

    Parameters
    ----------
    fit : of the groups of `observations`

    Returns
    -------
    a test; NaN with a reason where it does not exist, never an exception

    Examples
    --------
    >>> from app.analysis.event_times import event_times
    >>> from app.analysis.hazard_ratios import fit_groups
    >>> from app.analysis.observations import observe
    >>> sample = observe([1, 2, 3], [True, True, False], group=[1, 0, 1])
    >>> round(groups_proportional(sample, fit_groups(sample, event_times(sample, 2))).statistic, 4)
    1.4142
    """
    if fit.model is None:
        return HypothesisTest(NAME, np.nan, 0, np.nan, reason="no group has a hazard ratio")
    model, steps = fit.model, fit.model.steps
    events, at_risk = steps.times.all_events, steps.times.all_at_risk
    if observations.stratum is None:
        time = _event_probability_before(events, at_risk)
    else:
        table = risk_table(fit.part(observations))
        time = _event_probability_before(table.events, table.at_risk)[np.searchsorted(table.time, steps.times.time)]
    g = _standard_time(steps.information_by_time(model.coefficient), events, time)
    linear, square = steps.likelihood(model.coefficient, g), steps.likelihood(model.coefficient, g**2)
    unit = float(observations.weights.mean()) if observations.sampling else 1.0
    score, variance = _efficient_score(model.naive, model.maximum, linear, square, events.sum())
    return _test(score / unit, variance / unit)


def _transformed(observations: Observations, transform: TimeTransform) -> FloatArray:
    """Return g(time) of each row."""
    table = risk_table(observations)
    leaving = table.events + table.censored
    match transform:
        case "identity":
            values = table.time
        case "rank":
            values = np.cumsum(leaving) - leaving / 2
        case "km":
            values = _event_probability_before(table.events, table.at_risk)
        case _:
            raise InvalidParameterError(f"times are transformed by one of {', '.join(get_args(TimeTransform))}")
    return values[table.position]


def _event_probability_before(events: FloatArray, at_risk: FloatArray) -> FloatArray:
    """Return 1 - S(t-) by Kaplan-Meier at each time, from all counts up to there; shape [m]."""
    survival = np.cumprod(1 - events / at_risk)
    return 1 - np.concatenate(([1.0], survival[:-1]))


def _efficient_score(
    naive: FloatArray,
    constant: PartialLikelihood,
    linear: PartialLikelihood,
    square: PartialLikelihood,
    events: float,
) -> tuple[FloatArray, FloatArray]:
    """Return score [p] and variance [p, p] of theta, less what b explains.

    The likelihoods have factors 1, g and g^2; `naive` is the inverse of the information of the first.
    """
    explained = naive @ linear.information
    variance = square.information - linear.information @ explained
    vanishes = variance.diagonal() <= ROUNDING * events
    variance[vanishes] = variance[:, vanishes] = 0
    return linear.score - explained.T @ constant.score, variance


def _information_by_time(sets: RiskSets, x: FloatArray, coefficient: FloatArray) -> FloatArray:
    """Return the trace of the information that each event time adds, shape [m]."""
    _, risk, total, mean = relative_risks(sets, x, coefficient)
    square = sets.at_risk(sets.weights * risk * x.T**2) / total
    return np.asarray(sums_at(sets.step_time, sets.mass * (square - mean**2)).sum(axis=0))


def _standard_time(information: FloatArray, events: FloatArray, time: FloatArray) -> FloatArray:
    """Return g at each event time with mean 0 and variance 1 over the information, 0 where there is none; shape [m]."""
    informs = information > ROUNDING * events
    if not informs.any():
        return np.zeros_like(time)
    weights = informs * information
    weights /= weights.sum()
    g = np.where(informs, time - weights @ time, 0)
    deviation = np.sqrt(weights @ g**2)
    return g / deviation if deviation > 1e-12 * np.abs(time).max() else np.zeros_like(g)


def _test(score: FloatArray, variance: FloatArray) -> HypothesisTest:
    test = quadratic_form_test(NAME, score, variance)
    if test.degrees_of_freedom:
        return test
    return replace(test, reason="nothing varies among those at risk at two event times or more")
