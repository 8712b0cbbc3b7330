"""The log-rank family: weighted tests of equal hazards, and their test for trend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from app.analysis.arrays import FloatArray, IntArray, sum_by
from app.analysis.errors import InvalidParameterError
from app.analysis.hypothesis_test import HypothesisTest, quadratic_form_test
from app.analysis.observations import Observations, strata_in_sequence
from app.analysis.risk_table import count_at_risk, risk_table

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


@dataclass(frozen=True, slots=True)
class EventTimes:
    """What k groups have at each of m event times, one stratum after another.

    Attributes
    ----------
    events : events of each group, shape [k, m]
    share : share of each group in those at risk, shape [k, m]
    at_risk : subjects of the stratum with entry < t <= time, shape [m]
    stratum : shape [m]
    """

    events: FloatArray
    share: FloatArray
    at_risk: FloatArray
    stratum: IntArray

    @property
    def all_events(self) -> FloatArray:
        """Return the events of all groups, shape [m]."""
        return np.asarray(self.events.sum(axis=0))

    @property
    def spread(self) -> FloatArray:
        """Return d (n - d) / (n - 1), shape [m]: times p (1 - p) the variance of the events of a share p."""
        left = self.at_risk - self.all_events
        return np.asarray(self.all_events * left / np.maximum(self.at_risk - 1, 1))

    def observed(self, weight: FloatArray) -> FloatArray:
        """Return the weighted sum of the events of each group, shape [k]."""
        return np.asarray(self.events @ weight)

    def expected(self, weight: FloatArray) -> FloatArray:
        """Return the weighted sum of the events that each group would have by its share, shape [k]."""
        return np.asarray(self.share @ (weight * self.all_events))

    def covariance(self, weight: FloatArray) -> FloatArray:
        """Return the covariance of observed - expected, shape [k, k]."""
        covariance = -(self.share * (weight**2 * self.spread)) @ self.share.T
        # The variance is what the other groups leave to it: 1 - p would lose the digits of a share p close to 1.
        np.fill_diagonal(covariance, 0.0)
        np.fill_diagonal(covariance, -covariance.sum(axis=1))
        return covariance


def event_times(observations: Observations, groups: int) -> EventTimes:
    """Count the events and those at risk of each group at each event time of each stratum.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> times = event_times(observe([1, 2, 2], [True, False, True], group=[0, 0, 1]), 2)
    >>> times.events.tolist(), times.share.round(4).tolist(), times.at_risk.tolist()
    ([[1.0, 0.0], [0.0, 1.0]], [[0.6667, 0.5], [0.3333, 0.5]], [3.0, 2.0])
    """
    ordered = strata_in_sequence(observations)
    table = risk_table(ordered)
    happens = table.events > 0
    at_risk, size = table.at_risk[happens], int(happens.sum())
    place = (np.cumsum(happens) - 1)[table.position[ordered.event]]
    cell = ordered.groups[ordered.event] * size + place
    events = sum_by(cell, ordered.weights[ordered.event], groups * size).reshape(groups, size)
    of_group = np.array([count_at_risk(part, table.time[happens]) for part in ordered.split(groups)])
    stratum = np.zeros(size, dtype=np.int64)
    if ordered.stratum is not None:
        stratum[place] = ordered.stratum[ordered.event]
    return EventTimes(events, of_group / at_risk, at_risk, stratum)


def weights_of(times: EventTimes, weighting: Weighting) -> FloatArray:
    """Return the weight of each event time, shape [m]; survival is that of all groups of its stratum.

    With n at risk and d events: log-rank 1; Gehan-Breslow n; Tarone-Ware sqrt(n); Peto-Peto S~(t) = prod over u <= t
    of 1 - d / (n + 1); modified Peto-Peto S~(t) n / (n + 1); Fleming-Harrington S(t-)^rho (1 - S(t-))^gamma with the
    Kaplan-Meier S(t-) just before t, and 0^0 = 1.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> times = event_times(observe([1, 2, 3], [True, True, True], group=[0, 1, 0]), 2)
    >>> weights_of(times, Weighting("peto-peto")), weights_of(times, Weighting("fleming-harrington", gamma=1)).round(4)
    (array([0.75, 0.5 , 0.25]), array([0.    , 0.3333, 0.6667]))
    """
    at_risk = times.at_risk
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


def logrank_test(observations: Observations, groups: int, weighting: Weighting = LOG_RANK) -> HypothesisTest:
    """Test whether the groups have the same hazard of an event, weighting the event times.

    At each event time of each stratum, with n_j at risk and d_j events in group j, n and d in all, and the weight w
    (`weights_of`): U_j = sum w (d_j - d n_j / n), V_jk = sum w^2 d (n - d) / (n - 1) (n_j / n) (1[j = k] - n_k / n),
    and U' V^- U is chi-squared. Risk sets count entry < t <= time. A group at risk with no other at an event drops out
    of the degrees of freedom. `observed` and `expected` are the weighted sums. Clusters are not used.

    Parameters
    ----------
    groups : number of groups k; `observations.group` holds codes below it
    weighting : its name is that of the test

    The statistic is NaN, with a reason, where V is 0 and with sampling weights.

    Source: Mantel, Cancer Chemother Rep 1966;50:163; Breslow, Biometrika 1970;57:579; Peto & Peto, JRSS A
    1972;135:185; Tarone & Ware, Biometrika 1977;64:156; Harrington & Fleming, Biometrika 1982;69:553. Checked against
    the `logrank` blocks of aml.json, lung.json, veteran.json, ovarian.json (also stratified), kidney.json,
    melanoma.json, myeloma.json (entry) and rhdnase.json (several rows per subject), and spss31.json.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> test = logrank_test(observe([1, 2, 3, 4], [True] * 4, group=[0, 0, 1, 1]), 2)
    >>> test.observed, test.expected.round(4), round(test.statistic, 4)
    (array([2., 2.]), array([0.8333, 3.1667]), 2.8824)
    """
    times = event_times(observations, groups)
    weight = weights_of(times, weighting)
    observed, expected = times.observed(weight), times.expected(weight)
    if observations.sampling:
        return undefined_test(weighting.name, observed, expected, SAMPLING_REASON)
    covariance = times.covariance(weight)
    # In units of its own deviation no group is too small beside the others to count as a degree of freedom.
    deviation = np.sqrt(np.diag(covariance))
    unit = np.where(deviation > 0, deviation, 1.0)
    score = (observed - expected) / unit
    return quadratic_form_test(weighting.name, score, covariance / np.outer(unit, unit), observed, expected)


def trend_test(
    observations: Observations, groups: int, scores: Sequence[float] | None = None, weighting: Weighting = LOG_RANK
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
    >>> from app.analysis.observations import observe
    >>> round(trend_test(observe([1, 2, 3, 4], [True] * 4, group=[0, 1, 1, 2]), 3).statistic, 4)
    3.4571
    """
    score = np.asarray(range(1, groups + 1) if scores is None else scores, dtype=np.float64)
    if score.shape != (groups,) or not np.isfinite(score).all():
        raise InvalidParameterError("a test for trend has one finite score for each group")
    times = event_times(observations, groups)
    weight = weights_of(times, weighting)
    observed, expected = times.observed(weight), times.expected(weight)
    if observations.sampling:
        return undefined_test("trend", observed, expected, SAMPLING_REASON)
    score = score / (np.abs(score).max() or 1.0)  # squares of large scores overflow
    score -= score[0]
    # As U and the rows of V sum to 0, differences of scores are all that counts: equal ones leave exactly 0.
    variance = -np.sum(np.subtract.outer(score, score) ** 2 * times.covariance(weight)) / 2
    if variance == 0:
        reason = "the variance is 0: no event at a time when groups with different scores were at risk"
        return undefined_test("trend", observed, expected, reason)
    trend = np.array([score @ (observed - expected)])
    return quadratic_form_test("trend", trend, np.array([[variance]]), observed, expected)


def undefined_test(name: str, observed: FloatArray, expected: FloatArray, reason: str) -> HypothesisTest:
    """Return the test of this name that does not exist."""
    return HypothesisTest(name, np.nan, 0, np.nan, observed, expected, reason)
