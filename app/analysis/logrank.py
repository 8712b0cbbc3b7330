"""The log-rank family: weighted tests of equal hazards, and their test for trend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.errors import InvalidParameterError
from app.analysis.event_times import EventTimes, covariance_of_shares
from app.analysis.hypothesis_test import HypothesisTest, quadratic_form_test

WeightName = Literal[
    "log-rank", "gehan-breslow", "tarone-ware", "peto-peto", "modified-peto-peto", "fleming-harrington"
]

SAMPLING_REASON = "not defined with sampling weights: robust-score takes its place"


@dataclass(frozen=True, slots=True)
class Weighting:
    """What an event time counts; `rho` and `gamma` >= 0 belong to the Fleming-Harrington weights alone."""

    name: WeightName = "log-rank"
    rho: float = 0.0
    gamma: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in get_args(WeightName):
            raise InvalidParameterError(f"event times are weighted by one of {', '.join(get_args(WeightName))}")
        if not (0 <= self.rho < np.inf and 0 <= self.gamma < np.inf):
            raise InvalidParameterError("rho and gamma are finite and at least 0")


LOG_RANK = Weighting()


def spread(times: EventTimes) -> FloatArray:
    """Return d (n - d) / (n - 1), shape [m]: times p (1 - p) the variance of the events of a share p."""
    events, at_risk = times.all_events, times.all_at_risk
    return np.asarray(events * (at_risk - events) / np.maximum(at_risk - 1, 1))


def observed_and_expected(times: EventTimes, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the weighted sums of the events of each group, and of those that it would have by its share; shape [k]."""
    return times.events @ weight, times.share @ (weight * times.all_events)


def _covariance(times: EventTimes, weight: FloatArray) -> FloatArray:
    """Return the covariance of observed - expected, shape [k, k]."""
    return covariance_of_shares(times.share, weight**2 * spread(times))


def weights_of(times: EventTimes, weighting: Weighting) -> FloatArray:
    """Return the weight of each event time, shape [m]; survival is that of all groups of its stratum.

    With n at risk and d events: log-rank 1; Gehan-Breslow n; Tarone-Ware sqrt(n); Peto-Peto S~(t) = prod over u <= t
    of 1 - d / (n + 1); modified Peto-Peto S~(t) n / (n + 1); Fleming-Harrington S(t-)^rho (1 - S(t-))^gamma with the
    Kaplan-Meier S(t-) just before t, and 0^0 = 1.

    Examples
    --------
    >>> from app.analysis.event_times import event_times
    >>> from app.analysis.observations import observe
    >>> times = event_times(observe([1, 2, 3], [True, True, True], group=[0, 1, 0]), 2)
    >>> weights_of(times, Weighting("peto-peto")), weights_of(times, Weighting("fleming-harrington", gamma=1)).round(4)
    (array([0.75, 0.5 , 0.25]), array([0.    , 0.3333, 0.6667]))
    """
    at_risk = times.all_at_risk
    match weighting.name:
        case "log-rank":
            return np.ones_like(at_risk)
        case "gehan-breslow":
            return at_risk
        case "tarone-ware":
            return np.sqrt(at_risk)
        case "peto-peto":
            return _survival(times, at_risk + 1)
        case "modified-peto-peto":
            return _survival(times, at_risk + 1) * at_risk / (at_risk + 1)
        case _:
            before = np.concatenate(([1.0], _survival(times, at_risk)))[:-1]
            before[np.diff(times.stratum, prepend=-1) != 0] = 1.0
            return np.asarray(before**weighting.rho * (1 - before) ** weighting.gamma)


def _survival(times: EventTimes, at_risk: FloatArray) -> FloatArray:
    starts = np.flatnonzero(np.diff(times.stratum))
    factors = np.split(1 - times.all_events / at_risk, starts + 1)
    return np.concatenate([np.cumprod(of_stratum) for of_stratum in factors])


def logrank_test(times: EventTimes, weighting: Weighting = LOG_RANK) -> HypothesisTest:
    """Test whether the groups have the same hazard of an event, weighting the event times.

    At each event time of each stratum, with n_j at risk and d_j events in group j, n and d in all, and the weight w
    (`weights_of`): U_j = sum w (d_j - d n_j / n), V_jk = sum w^2 d (n - d) / (n - 1) (n_j / n) (1[j = k] - n_k / n),
    and U' V^- U is chi-squared. Risk sets count entry < t <= time. A group at risk with no other at an event drops out
    of the degrees of freedom. `observed` and `expected` are the weighted sums. Clusters are not used.

    Parameters
    ----------
    times : of the sample, with k groups
    weighting : its name is that of the test

    The statistic is NaN, with a reason, where V is 0 and with sampling weights.

    Source: Mantel, Cancer Chemother Rep 1966;50:163; Breslow, Biometrika 1970;57:579; Peto & Peto, JRSS A
    1972;135:185; Tarone & Ware, Biometrika 1977;64:156; Harrington & Fleming, Biometrika 1982;69:553. Checked against
    the `logrank` blocks of aml.json, lung.json, veteran.json, ovarian.json (also stratified), kidney.json,
    melanoma.json, myeloma.json (entry) and rhdnase.json (several rows per subject), and spss31.json.

    Examples
    --------
    >>> from app.analysis.event_times import event_times
    >>> from app.analysis.observations import observe
    >>> test = logrank_test(event_times(observe([1, 2, 3, 4], [True] * 4, group=[0, 0, 1, 1]), 2))
    >>> test.observed, test.expected.round(4), round(test.statistic, 4)
    (array([2., 2.]), array([0.8333, 3.1667]), 2.8824)
    """
    weight = weights_of(times, weighting)
    observed, expected = observed_and_expected(times, weight)
    if times.sampling:
        return undefined_test(weighting.name, observed, expected, SAMPLING_REASON)
    covariance = _covariance(times, weight)
    # In units of its own deviation no group is too small beside the others to count as a degree of freedom.
    deviation = np.sqrt(covariance.diagonal())
    unit = np.where(deviation > 0, deviation, 1.0)
    score = (observed - expected) / unit
    return quadratic_form_test(weighting.name, score, covariance / np.outer(unit, unit), observed, expected)


def trend_test(
    times: EventTimes, scores: Sequence[float] | None = None, weighting: Weighting = LOG_RANK
) -> HypothesisTest:
    """Test whether the hazards of the groups rise or fall with their scores c.

    (c' U)^2 / c' V c is chi-squared with 1 degree of freedom; U and V are those of `logrank_test`.

    Parameters
    ----------
    scores : c, one for each group; 1, 2, .., k if not given. Their origin and their unit do not matter

    The statistic is NaN, with a reason, where c' V c is 0 and with sampling weights.

    Raises
    ------
    InvalidParameterError
        If there are not as many scores as groups, or a score is not finite.

    Source: Tarone, Biometrika 1975;62:679. Checked against `trend` in the `logrank` blocks of lung.json, veteran.json
    (also stratified), kidney.json and melanoma.json.

    Examples
    --------
    >>> from app.analysis.event_times import event_times
    >>> from app.analysis.observations import observe
    >>> round(trend_test(event_times(observe([1, 2, 3, 4], [True] * 4, group=[0, 1, 1, 2]), 3)).statistic, 4)
    3.4571
    """
    groups = len(times.events)
    score = np.asarray(range(1, groups + 1) if scores is None else scores, dtype=np.float64)
    if score.shape != (groups,) or not np.isfinite(score).all():
        raise InvalidParameterError("a test for trend has one finite score for each group")
    weight = weights_of(times, weighting)
    observed, expected = observed_and_expected(times, weight)
    if times.sampling:
        return undefined_test("trend", observed, expected, SAMPLING_REASON)
    score = score / (np.abs(score).max() or 1.0)  # squares of large scores overflow
    score -= score[0]
    # As U and the rows of V sum to 0, differences of scores are all that counts: equal ones leave exactly 0.
    variance = -np.sum(np.subtract.outer(score, score) ** 2 * _covariance(times, weight)) / 2
    if variance == 0:
        reason = "the variance is 0: no event at a time when groups with different scores were at risk"
        return undefined_test("trend", observed, expected, reason)
    trend = np.array([score @ (observed - expected)])
    return quadratic_form_test("trend", trend, np.array([[variance]]), observed, expected)


def undefined_test(name: str, observed: FloatArray, expected: FloatArray, reason: str) -> HypothesisTest:
    """Return the test of this name that does not exist."""
    return HypothesisTest(name, np.nan, 0, np.nan, observed, expected, reason)
