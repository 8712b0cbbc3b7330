"""The odds ratio of two groups given the margins of their table, with exact limits."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, isqrt, log, nan

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.intervals import normal_quantile

NO_UNITS = "a group has no units"

#: Tables with a larger range of possible counts have no exact odds ratio; this one takes a tenth of a second.
RANGE_LIMIT = 1_000_000

#: Beyond lies no logarithm of an odds ratio, nor of a limit of one at any level: counts are below 2^53.
LARGEST_LOG_ODDS_RATIO = 200.0

Rising = Callable[[float], tuple[float, float]]
"""A rising function of the logarithm of the odds ratio: its value and its derivative."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio with its limits, NaN where they do not exist, for the reason given."""

    estimate: float
    lower: float
    upper: float
    reason: str | None = None


def conditional_odds_ratio(
    first_count: int, first_total: int, second_count: int, second_total: int, *, confidence_level: float = 0.95
) -> Ratio:
    """Return the odds ratio that makes the first count likeliest given all four margins, with exact limits.

    Given the margins the first count X has probabilities proportional to C(n1, k) C(n2, m - k) psi^k, m the successes
    in all. The estimate is the psi with E(X) = x; with alpha = 1 - `confidence_level` the lower limit is that with
    P(X >= x) = alpha / 2, and the upper one that with P(X <= x) = alpha / 2. At the least possible x the estimate and
    the lower limit are 0; at the largest the estimate and the upper limit are infinite, so NaN here.

    Returns
    -------
    Ratio : NaN too where the margins leave X one value, or more than a million

    Source: Cornfield, Proc 3rd Berkeley Symp 1956;4:135; Fisher, J R Stat Soc 1935;98:39. Checked against
    proportions.json (R's `fisher.test`, whose root finder stops at 1e-4).

    Examples
    --------
    >>> ratio = conditional_odds_ratio(3, 4, 1, 4)
    >>> round(ratio.estimate, 4), round(ratio.lower, 4), round(ratio.upper, 2)
    (6.4083, 0.2117, 626.24)
    """
    normal_quantile(confidence_level)  # refuses a level outside 0 .. 1
    successes, tail = first_count + second_count, (1 - confidence_level) / 2
    least, most = max(0, successes - second_total), min(first_total, successes)
    if least == most:
        reason = NO_UNITS if 0 in (first_total, second_total) else "all units have the same outcome: no odds ratio"
        return Ratio(nan, nan, nan, reason)
    if most - least > RANGE_LIMIT:
        return Ratio(nan, nan, nan, "the table is too large for an exact odds ratio")
    # X is a sum of most - least independent Bernoulli variables: by Hoeffding's inequality nothing counts beyond.
    reach = 12 * isqrt(most - least) + 1
    start, stop = max(least, first_count - reach), min(most, first_count + reach)
    k = np.arange(start, stop, dtype=np.float64)
    steps = np.log((first_total - k) / (k + 1)) + np.log((successes - k) / (second_total - successes + k + 1))
    weights = np.concatenate(([0.0], np.cumsum(steps)))
    table = _Conditional(np.arange(start - first_count, stop - first_count + 1.0), weights)
    if first_count == least:
        return Ratio(0.0, 0.0, exp(-_root(table.mirrored().tail(tail), 0.0)))
    if first_count == most:
        return Ratio(nan, exp(_root(table.tail(tail), 0.0)), nan, "the odds ratio is infinite")
    odds = log(first_count / (first_total - first_count)) - log(second_count / (second_total - second_count))
    return Ratio(
        exp(_root(table.mean, odds)),
        exp(_root(table.tail(tail), odds)),
        exp(-_root(table.mirrored().tail(tail), -odds)),
    )


@dataclass(frozen=True, slots=True)
class _Conditional:
    """The count less that observed, given the margins: its values and the logarithms of their weights at odds 1."""

    values: FloatArray
    log_weights: FloatArray

    def mirrored(self) -> "_Conditional":
        """Return the count of failures instead."""
        return _Conditional(-self.values, self.log_weights)

    def mean(self, log_odds: float) -> tuple[float, float]:
        """Return the expected value, and its derivative."""
        logarithms = self.log_weights + log_odds * self.values
        _, mean = _total(logarithms, self.values)
        return mean, _total(logarithms, (self.values - mean) ** 2)[1]

    def tail(self, probability: float) -> Rising:
        """Return log(P(at least the observed) / probability), and its derivative, as a function of the log odds."""
        above = self.values >= 0

        def excess(log_odds: float) -> tuple[float, float]:
            logarithms = self.log_weights + log_odds * self.values
            every, mean = _total(logarithms, self.values)
            tail, tail_mean = _total(logarithms[above], self.values[above])
            return tail - every - log(probability), tail_mean - mean

        return excess


def _total(logarithms: FloatArray, values: FloatArray) -> tuple[float, float]:
    """Return the logarithm of the sum of weights, and the weighted mean of values."""
    largest = float(logarithms.max())
    weights = np.exp(logarithms - largest)
    return largest + log(weights.sum()), float(weights @ values / weights.sum())


def _root(function: Rising, start: float) -> float:
    """Return where the function is 0, by Newton's method held in a bracket."""
    low, high, at = -LARGEST_LOG_ODDS_RATIO, LARGEST_LOG_ODDS_RATIO, start
    while True:
        value, slope = function(at)
        low, high = (at, high) if value < 0 else (low, at)
        following = at - value / slope if slope > 0 else nan
        if not low <= following <= high:
            following = (low + high) / 2
        if abs(following - at) <= 1e-13 * max(1.0, abs(at)):
            return following
        at = following
