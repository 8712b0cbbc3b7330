"""Gray's test of equal cumulative incidences."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import TOLERANCE, BoolArray, FloatArray, sum_by
from app.analysis.event_times import event_times
from app.analysis.hypothesis_test import HypothesisTest, quadratic_form_test
from app.analysis.observations import Observations
from app.analysis.risk_table import risk_table


@dataclass(frozen=True, slots=True)
class _Groups:
    """Counts and estimates of each group at each event time, shape [k, m]; `_before` is just before the time.

    `exposure` is h = Y / S(t-): the subjects that would be at risk if only censoring took them away.
    """

    at_risk: FloatArray
    events: FloatArray
    competing: FloatArray
    survival: FloatArray
    survival_before: FloatArray
    incidence_before: FloatArray
    exposure: FloatArray


def gray_test(observations: Observations, groups: int, cause: int) -> HypothesisTest:
    """Test whether the groups have the same cumulative incidence F_1 of a cause (Gray 1988, rho = 0).

    At each event time t, group k has Y_k at risk, d_1k events of the cause, d_2k of all others, h_k = Y_k / S_k(t-)
    and R_k = h_k (1 - F_1k(t-)), which is 0 once nobody of it is left. Expected events are the sum over t of
    R_k d_1. / R_. ; under the hypothesis F_10 = sum d_1. / h_. and, with G = 1 - F_10, the covariance of observed -
    expected is the sum over groups r and times t of

        a_kr a_k'r (dF_10 / h_r) w_1 + b_kr b_k'r (S_r(t-)^2 d_2r / Y_r^2) w_2
        a_kr = d_kr + (1 - G(t) / S_r(t)) c_kr,    b_kr = -(G(t) / S_r(t)) c_kr,
        d_kr = h_k (1[k = r] - h_r / h_.),    c_kr = sum over u > t of d_kr(u) dF_10(u) / G(u-).

    Events of all groups and causes at one time share S(t-) and G(t-). For d events at a time among n, w = (n - d) /
    (n - 1) as in the log-rank test: d = d_2r and n = Y_r in w_2, d = d_1. and n = h_. S_r(t-) in w_1. Risk sets count
    entry < t <= time; what enters a group after its survival has fallen to 0 is left out. Scores and covariances are
    summed over strata. Clusters are not used; with sampling weights there is no test.

    Parameters
    ----------
    groups : number of groups; `observations.group` holds codes below it
    cause : the cause compared, 1 ..; the others compete with it

    Source: Gray, Ann Stat 1988;16:1141, section 2. Checked against melanoma.json (`cuminc_gray`).

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> test = gray_test(observe([1, 3, 2, 4], [1, 1, 2, 1], group=[0, 0, 1, 1]), 2, 1)
    >>> test.observed, test.expected.round(4), round(test.statistic, 4)
    (array([2., 1.]), array([0.8333, 2.1667]), 2.4928)
    """
    strata = [observations]
    if observations.stratum is not None:
        strata = [observations.select(observations.stratum == code) for code in np.unique(observations.stratum)]
    scores = [_score(stratum, groups, cause) for stratum in strata]
    observed, expected, covariance = (np.sum(parts, axis=0) for parts in zip(*scores, strict=True))
    if observations.sampling:
        reason = "not defined with sampling weights"
    elif np.isnan(covariance).any():
        reason = "the incidence that the groups would have in common reaches 1 while they are still compared"
    else:
        return quadratic_form_test("gray", observed - expected, covariance, observed, expected)
    return HypothesisTest("gray", np.nan, 0, np.nan, observed, expected, reason)


def _score(observations: Observations, groups: int, cause: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return observed and expected events [k], and the covariance of their difference [k, k], NaN without one."""
    sample = _groups(observations, groups, cause)
    all_events, exposure = sample.events.sum(axis=0), sample.exposure
    weight = exposure * (1 - sample.incidence_before)
    observed = sample.events.sum(axis=1)
    expected = (weight * _ratio(all_events, weight.sum(axis=0))).sum(axis=1)
    growth = _ratio(all_events, exposure.sum(axis=0))
    free = 1 - np.cumsum(growth)
    free_before = _before(free, 1.0)
    compared = (np.count_nonzero(exposure, axis=0) > 1) & (all_events > 0)
    if (free_before[compared] <= TOLERANCE).any():
        return observed, expected, np.full((groups, groups), np.nan)
    hazard = np.divide(growth, free_before, out=np.zeros_like(growth), where=compared)
    parts = [_covariance(sample, group, growth, free, hazard) for group in range(groups)]
    return observed, expected, np.sum(parts, axis=0)


def _groups(observations: Observations, groups: int, cause: int) -> _Groups:
    table = risk_table(observations)
    happens = table.events > 0
    cell = observations.groups * table.time.size + table.position

    def counted(rows: BoolArray) -> FloatArray:
        counts = sum_by(cell, observations.weights * rows, groups * table.time.size)
        return counts.reshape(groups, table.time.size).compress(happens, axis=1)

    of_cause = observations.cause == cause
    events, competing = counted(of_cause), counted(observations.event & ~of_cause)
    at_risk = event_times(observations, groups).at_risk
    survival = np.cumprod(1 - _ratio(events + competing, at_risk), axis=1)
    survival[survival <= TOLERANCE] = 0.0  # what rounding in sums of weights leaves of it
    survival_before = _before(survival, 1.0)
    incidence_before = _before(np.cumsum(survival_before * _ratio(events, at_risk), axis=1), 0.0)
    known = survival_before > 0
    return _Groups(
        at_risk * known,
        events * known,
        competing * known,
        survival,
        survival_before,
        incidence_before,
        _ratio(at_risk, survival_before),
    )


def _covariance(sample: _Groups, group: int, growth: FloatArray, free: FloatArray, hazard: FloatArray) -> FloatArray:
    """Return what one group, r, contributes to the covariance; shape [k, k]."""
    h, survival_before = sample.exposure, sample.survival_before[group]
    own = np.arange(len(h))[:, None] == group
    d = h * (own - _ratio(h[group], h.sum(axis=0)))
    until = np.cumsum(d * hazard, axis=1)
    c = until[:, -1:] - until
    b = -_ratio(free, sample.survival[group]) * c
    a = d + c + b
    at_risk, competing, all_events = sample.at_risk[group], sample.competing[group], sample.events.sum(axis=0)
    variance = _ratio(growth, h[group]) * _tie_factor(all_events, h.sum(axis=0) * survival_before)
    competing_variance = _ratio(survival_before**2 * competing, at_risk**2) * _tie_factor(competing, at_risk)
    covariance = np.zeros((len(h), len(h)))
    for part, weight in ((a, variance), (b, competing_variance)):
        used = part[:, weight > 0]  # a group has its competing events at few of the times
        covariance += (used * weight[weight > 0]) @ used.T
    return covariance


def _tie_factor(events: FloatArray, at_risk: FloatArray) -> FloatArray:
    """Return (n - d) / (n - 1), 1 where at most one event happens and 0 where nobody is left of n."""
    factor = np.divide(at_risk - events, at_risk - 1, out=np.zeros_like(at_risk), where=at_risk > 1)
    return np.where(events > 1, np.maximum(factor, 0.0), 1.0)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def _before(values: FloatArray, start: float) -> FloatArray:
    """Return step functions just before each of their times, along the last axis."""
    first = np.full((*values.shape[:-1], 1), start)
    return np.concatenate((first, values), axis=-1)[..., :-1]
