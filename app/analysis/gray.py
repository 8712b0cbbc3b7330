"""Gray's test of equal cumulative incidences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import TOLERANCE, BoolArray, FloatArray, ratio, sum_by
from app.analysis.event_times import event_times
from app.analysis.hypothesis_test import HypothesisTest, quadratic_form_test
from app.analysis.observations import Observations
from app.analysis.partial_likelihood import near_parts

Score = tuple[FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True, slots=True)
class _Groups:
    """Counts and estimates of each group at each time [m] with an event of any cause, shape [k, m].

    `survival_before` is just before the time, `exposure` is h = Y / S(t-): the subjects that would be at risk if only
    censoring took them away. After its survival has fallen to 0 a group counts no more.
    """

    time: FloatArray
    at_risk: FloatArray
    survival: FloatArray
    survival_before: FloatArray
    exposure: FloatArray


@dataclass(frozen=True, slots=True)
class _Cause:
    """The events of a cause and of all others, and the incidence of the cause just before each time, shape [k, m]."""

    events: FloatArray
    competing: FloatArray
    incidence_before: FloatArray


@dataclass(frozen=True, slots=True)
class _Pooled:
    """The groups together under the hypothesis, shape [m]: events of the cause, dF_10, G, and dF_10 / G(t-)."""

    events: FloatArray
    growth: FloatArray
    free: FloatArray
    hazard: FloatArray


def gray_test(observations: Observations, groups: int, cause: int) -> HypothesisTest:
    """Return the test of one cause, as `gray_tests` has it."""
    return gray_tests(observations, groups, [cause])[0]


def gray_tests(observations: Observations, groups: int, causes: Sequence[int]) -> list[HypothesisTest]:
    """Test for each cause whether the groups have the same cumulative incidence F_1 of it (Gray 1988, rho = 0).

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
    causes : the causes compared, 1 ..; with each of them all others compete

    Source: Gray, Ann Stat 1988;16:1141, section 2. Checked against melanoma.json (`cuminc_gray`).

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> (test,) = gray_tests(observe([1, 3, 2, 4], [1, 1, 2, 1], group=[0, 0, 1, 1]), 2, [1])
    >>> test.observed, test.expected.round(4), round(test.statistic, 4)
    (array([2., 1.]), array([0.8333, 2.1667]), 2.4928)
    """
    strata = [observations]
    if observations.stratum is not None:
        strata = [observations.select(observations.stratum == code) for code in np.unique(observations.stratum)]
    scores = zip(*(_scores(stratum, groups, causes) for stratum in strata), strict=True)
    return [_test(of_cause, sampling=observations.sampling) for of_cause in scores]


def _test(scores: Sequence[Score], *, sampling: bool) -> HypothesisTest:
    observed, expected, covariance = (np.sum(parts, axis=0) for parts in zip(*scores, strict=True))
    if sampling:
        reason = "not defined with sampling weights"
    elif np.isnan(covariance).any():
        reason = "the incidence that the groups would have in common reaches 1 while they are still compared"
    else:
        return quadratic_form_test("gray", observed - expected, covariance, observed, expected)
    return HypothesisTest("gray", np.nan, 0, np.nan, observed, expected, reason)


def _scores(observations: Observations, groups: int, causes: Sequence[int]) -> list[Score]:
    """Return for each cause observed and expected events [k], and the covariance of their difference [k, k]."""
    sample = _groups(observations, groups)
    rows = observations.select(observations.event)
    cell = rows.groups * sample.time.size + np.searchsorted(sample.time, rows.time)
    known = sample.survival_before > 0

    def counted(of_cause: BoolArray) -> FloatArray:
        return sum_by(cell, rows.weights * of_cause, known.size).reshape(known.shape) * known

    def score(cause: int) -> Score:
        events = counted(rows.cause == cause)
        incidence = np.cumsum(sample.survival_before * ratio(events, sample.at_risk), axis=1)
        return _score(sample, _Cause(events, counted(rows.cause != cause), _before(incidence, 0.0)))

    return [score(cause) for cause in causes]


def _groups(observations: Observations, groups: int) -> _Groups:
    times = event_times(observations, groups)
    survival = np.cumprod(1 - ratio(times.events, times.at_risk), axis=1)
    survival[survival <= TOLERANCE] = 0.0  # what rounding in sums of weights leaves of it
    before = _before(survival, 1.0)
    return _Groups(times.time, times.at_risk * (before > 0), survival, before, ratio(times.at_risk, before))


def _score(sample: _Groups, cause: _Cause) -> Score:
    """Return observed and expected events [k], and the covariance of their difference [k, k], NaN without one."""
    groups, exposure = len(sample.exposure), sample.exposure
    all_events = cause.events.sum(axis=0)
    weight = exposure * (1 - cause.incidence_before)
    observed = cause.events.sum(axis=1)
    expected = (weight * ratio(all_events, weight.sum(axis=0))).sum(axis=1)
    growth = ratio(all_events, exposure.sum(axis=0))
    free = 1 - np.cumsum(growth)
    free_before = _before(free, 1.0)
    compared = (np.count_nonzero(exposure, axis=0) > 1) & (all_events > 0)
    if (free_before[compared] <= TOLERANCE).any():
        return observed, expected, np.full((groups, groups), np.nan)
    hazard = np.divide(growth, free_before, out=np.zeros_like(growth), where=compared)
    pooled = _Pooled(all_events, growth, free, hazard)
    parts = [_covariance(sample, cause, pooled, part) for part in near_parts(groups, max(exposure.size, 1))]
    return observed, expected, np.sum(parts, axis=0)


def _covariance(sample: _Groups, cause: _Cause, pooled: _Pooled, groups: slice) -> FloatArray:
    """Return what some of the groups, r, contribute to the covariance; shape [k, k]."""
    h, all_h, survival_before = sample.exposure, sample.exposure.sum(axis=0), sample.survival_before[groups]
    own = np.eye(len(h))[groups, :, None]
    d = h * (own - ratio(h[groups], all_h)[:, None])
    until = np.cumsum(d * pooled.hazard, axis=-1)
    c = until[..., -1:] - until
    b = -ratio(pooled.free, sample.survival[groups])[:, None] * c
    a = d + c + b
    at_risk, competing = sample.at_risk[groups], cause.competing[groups]
    variance = ratio(pooled.growth, h[groups]) * _tie_factor(pooled.events, all_h * survival_before)
    competing_variance = ratio(survival_before**2 * competing, at_risk**2) * _tie_factor(competing, at_risk)
    covariance = (a * variance[:, None]) @ a.swapaxes(1, 2) + (b * competing_variance[:, None]) @ b.swapaxes(1, 2)
    return np.asarray(covariance.sum(axis=0))


def _tie_factor(events: FloatArray, at_risk: FloatArray) -> FloatArray:
    """Return (n - d) / (n - 1), 1 where at most one event happens and 0 where nobody is left of n."""
    factor = np.divide(at_risk - events, at_risk - 1, out=np.zeros_like(at_risk), where=at_risk > 1)
    return np.where(events > 1, np.maximum(factor, 0.0), 1.0)


def _before(values: FloatArray, start: float) -> FloatArray:
    """Return step functions just before each of their times, along the last axis."""
    found = np.empty_like(values)
    found[..., :1], found[..., 1:] = start, values[..., :-1]
    return found
