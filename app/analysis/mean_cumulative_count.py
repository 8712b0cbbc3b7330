"""The mean cumulative count of recurrences that death may end, and the test of equal counts in groups."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from app.analysis.arrays import FloatArray, IntArray, ratio, sum_by
from app.analysis.errors import InvalidParameterError
from app.analysis.hypothesis_test import HypothesisTest, quadratic_form_test
from app.analysis.influence import clustered_variance
from app.analysis.intervals import normal_quantile
from app.analysis.landmarks import landmark_columns
from app.analysis.observations import Observations, tied_to
from app.analysis.recurrent import Recurrences
from app.analysis.risk_table import count_at_risk
from app.analysis.segments import Segments

CountInterval = Literal["log", "plain"]

#: A variance that is less of the square of its estimate, or an influence of all subjects, is 0 but for rounding.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class CountAt:
    """The mean cumulative count at a time: `at_risk` just before it, `recurrences` up to it; NaN where not known."""

    time: float
    at_risk: float
    recurrences: float
    estimate: float
    standard_error: float
    lower: float
    upper: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class MeanCumulativeCount:
    """Mean number of recurrences at the times at which periods at risk end; arrays have shape [m].

    Attributes
    ----------
    sample : what it is estimated from
    time : ascending
    at_risk, events : subjects at risk just before, and recurrences at each time
    survival : probability of being alive after each time
    estimate : mean recurrences of a subject up to and including each time
    standard_error : NaN with a single cluster
    lower, upper : NaN where the standard error is 0 or NaN
    """

    sample: Recurrences
    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    survival: FloatArray
    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray

    def at(self, times: Sequence[float], *, carries_forward: bool) -> list[CountAt]:
        """Return the count at each of `times`; after the last time of a living subject carried forward, or not known.

        Examples
        --------
        >>> from app.analysis.recurrent import observe_recurrences
        >>> count = mean_cumulative_count(observe_recurrences([0, 1, 1], [4, 2, 3], [0, 1, 0]))
        >>> [found.estimate for found in count.at([1, 2, 5], carries_forward=False)]
        [0.0, 0.5, nan]
        """
        asked, moments = np.asarray(times, dtype=np.float64), self.sample.moments
        tied = tied_to(moments, asked)
        place = np.searchsorted(self.time, tied, side="right")
        columns = (self.estimate, self.standard_error, self.lower, self.upper)
        found = [np.append(start, column)[place] for start, column in zip((0, 0, np.nan, np.nan), columns, strict=True)]
        unknown = (tied > self.time[-1]) & (self.survival[-1] > 0) & (not carries_forward)
        at_risk = count_at_risk(self.sample.rows, np.searchsorted(moments, tied) + 1.0)
        recurrences = np.append(0, np.cumsum(self.events))[place]
        counts = (asked.tolist(), at_risk.tolist(), recurrences.tolist())
        return [CountAt(*row) for row in zip(*counts, *landmark_columns(unknown, *found), strict=True)]


@dataclass(frozen=True, slots=True)
class _Process:
    """Counts of a sample at given times, shape [m], and where its rows enter and leave, shape [n].

    `survival` is S(t), the probability of being alive after t, and `before` S(t-) just before it; `log_variance` is
    G(t), the variance of log S(t); `per_survivor` is 1 / (Y - D) with D deaths of Y at risk, 0 where nobody survives.
    """

    rows: Observations
    enters: IntArray
    leaves: IntArray
    at_risk: FloatArray
    recurrences: FloatArray
    survival: FloatArray
    before: FloatArray
    log_variance: FloatArray
    per_survivor: FloatArray

    @property
    def variance_before(self) -> FloatArray:
        """Return G(t-)."""
        return np.append(0.0, self.log_variance[:-1])

    def influence(self, path: FloatArray, drift: FloatArray, per_event: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what rows change F(t) = integral of S(u-) w(u) dN(u) / Y(u) by, from where they enter and leave on.

        As coefficients of the functions (drift, 1, path) of time, shape [3, n] each: `path` is F(t), `per_event` is
        S(t-) w(t) / Y(t), and `drift` is B(t) = integral of G(u-) dF(u) - dF(u) / Y(u). A row at risk since e changes
        log S(t) by G(t) - G(e), so F(t) by B(t) - B(e) - G(e) (F(t) - F(e)). From its end x on it changes log S by
        c - G(e), c = G(x) - 1[death] / (Y(x) - D(x)), and F(t) by what it did at x, by its recurrences at x, and by
        (c - G(e)) (F(t) - F(x)).
        """
        own = self.rows.cause // 2 * per_event[self.leaves]
        variance_then, path_then, drift_then = (
            np.append(0.0, values)[self.enters] for values in (self.log_variance, path, drift)
        )
        entering = np.array([np.ones_like(own), variance_then * path_then - drift_then, -variance_then])
        slope = self.log_variance[self.leaves] - self.rows.cause % 2 * self.per_survivor[self.leaves]
        level = drift[self.leaves] + own - slope * path[self.leaves]
        leaving = np.array([-np.ones_like(own), level, slope])
        return self.rows.weights * entering, self.rows.weights * leaving


def _process(rows: Observations, times: FloatArray) -> _Process:
    leaves, weights = np.searchsorted(times, rows.time), rows.weights
    at_risk = count_at_risk(rows, times)
    recurrences = sum_by(leaves, weights * (rows.cause // 2), times.size)
    deaths = sum_by(leaves, weights * (rows.cause % 2), times.size)
    per_survivor = ratio(np.ones_like(at_risk), at_risk - deaths)
    survival = np.cumprod(1 - ratio(deaths, at_risk))
    return _Process(
        rows,
        np.searchsorted(times, np.asarray(rows.entry), side="right"),
        leaves,
        at_risk,
        recurrences,
        survival,
        np.append(1.0, survival[:-1]),
        np.cumsum(ratio(deaths, at_risk) * per_survivor),
        per_survivor,
    )


def mean_cumulative_count(
    sample: Recurrences, *, confidence_level: float = 0.95, interval: CountInterval = "log"
) -> MeanCumulativeCount:
    """Estimate mu(t) = sum over t_i <= t of S(t_i-) d_i / n_i, the mean number of recurrences up to and including t.

    d_i recurrences of n_i subjects at risk (entry < t_i <= time); S is the Kaplan-Meier estimate of being alive, as the
    dead have no more recurrences: 1 without deaths. At one time recurrences come before deaths, and these before
    censorings. The variance is the sum over clusters of their squared influence on mu, by way of S too: recurrences of
    a subject may depend on each other. Limits are mu exp(-+ z se / mu) (log) or mu -+ z se, cut at 0 (plain).

    Raises
    ------
    InvalidParameterError
        If the level is not between 0 and 1, or there is no such interval.

    Source: Nelson, J Qual Technol 1988;20:24; Lawless & Nadeau, Technometrics 1995;37:158; Ghosh & Lin, Biometrics
    2000;56:554. Checked against rhdnase.json and rats2.json (without deaths).

    Examples
    --------
    >>> from app.analysis.recurrent import observe_recurrences
    >>> sample = observe_recurrences([0, 0, 1, 1], [1, 3, 2, 4], [1, 0, 1, 1], terminal=[0, 1, 0, 0])
    >>> count = mean_cumulative_count(sample)
    >>> count.survival, count.estimate
    (array([1. , 1. , 0.5, 0.5]), array([0.5, 1. , 1. , 1.5]))
    """
    ranks = np.unique(sample.rows.time)
    process = _process(sample.rows, ranks)
    step = process.before * process.recurrences / process.at_risk
    estimate = np.cumsum(step)
    drift = np.cumsum(step * (process.variance_before - 1 / process.at_risk))
    cluster = np.asarray(sample.rows.cluster)
    variance = clustered_variance(
        np.concatenate((cluster, cluster)),
        np.concatenate((process.enters, process.leaves)),
        np.concatenate(process.influence(estimate, drift, process.before / process.at_risk), axis=1),
        np.array([drift, np.ones_like(drift), estimate]),
        Segments.of([ranks.size]),
    )
    variance[variance < ROUNDING * estimate**2] = 0.0
    standard_error = np.sqrt(variance) if np.unique(cluster).size > 1 else np.full(ranks.size, np.nan)
    lower, upper = _limits(estimate, standard_error, normal_quantile(confidence_level), interval)
    time = sample.moments[ranks.astype(np.int64) - 1]
    return MeanCumulativeCount(
        sample,
        time,
        process.at_risk,
        process.recurrences,
        process.survival,
        estimate,
        standard_error,
        lower,
        upper,
    )


def _limits(
    estimate: FloatArray, standard_error: FloatArray, z: float, interval: CountInterval
) -> tuple[FloatArray, FloatArray]:
    if interval not in get_args(CountInterval):
        raise InvalidParameterError(f"the interval of a count is one of {', '.join(get_args(CountInterval))}")
    width = z * np.where(standard_error > 0, standard_error, np.nan)
    if interval == "plain":
        return np.maximum(estimate - width, 0.0), estimate + width
    factor = np.exp(ratio(width, estimate))
    return estimate / factor, estimate * factor


def mean_cumulative_count_test(sample: Recurrences, groups: int) -> HypothesisTest:
    """Test whether the groups have the same mean cumulative count, death ending recurrences in each at its own rate.

    With d_k recurrences of Y_k subjects at risk in group k, Y in all, S_k the Kaplan-Meier estimate of being alive, and
    dmu_k = S_k(t-) d_k / Y_k, U_k is the sum over times and groups j of (Y_k Y_j / Y) (dmu_k - dmu_j): `observed`, the
    sum of S_k(t-) d_k, less `expected`. U' V^- U is chi-squared with groups - 1 degrees of freedom. V is the sum over
    clusters of u u', u their influence on U under the hypothesis that every dmu_k is sum_j S_j(t-) d_j / Y. Without
    deaths this is the robust score test of the Andersen-Gill model with Breslow ties. With no more clusters than
    degrees of freedom the statistic is their number, whatever the data: NaN then. What enters a group after its
    survival has fallen to 0 is left out.

    Parameters
    ----------
    groups : number of groups; the sample has group codes below it

    Source: Ghosh & Lin, Biometrics 2000;56:554, section 3, for two groups; Lin et al., JRSS B 2000;62:711.
    Without ties it equals `robust_score_test`, which is checked against rats2.json.

    Examples
    --------
    >>> from app.analysis.recurrent import observe_recurrences
    >>> sample = observe_recurrences([0, 1, 2, 2], [2, 1, 1, 3], [1, 1, 1, 0], group=[0, 0, 1, 1])
    >>> test = mean_cumulative_count_test(sample, 2)
    >>> test.observed, test.expected.round(4), round(test.statistic, 4)
    (array([2., 1.]), array([1.8333, 1.1667]), 2.0)
    """
    times = np.unique(sample.rows.time)
    processes = [_process(part, times) for part in sample.rows.split(groups)]
    risk = np.array([process.at_risk * (process.before > 0) for process in processes])
    events = np.array([process.before * process.recurrences for process in processes])
    share = ratio(risk, risk.sum(axis=0))
    pooled = ratio(events.sum(axis=0), risk.sum(axis=0))
    observed = events.sum(axis=1)
    expected = (share * events.sum(axis=0)).sum(axis=1)
    clusters = int(np.max(np.asarray(sample.rows.cluster))) + 1
    influence = np.zeros((groups, clusters))
    for code, process in enumerate(processes):
        for scored in range(groups):
            weight = float(code == scored) - share[scored]
            influence[scored] += _score_influence(process, weight, pooled, clusters)
    influence[np.abs(influence) <= ROUNDING * np.sum(sample.rows.weights)] = 0.0
    test = quadratic_form_test(
        "mean-cumulative-count", observed - expected, influence @ influence.T, observed, expected
    )
    at_risk = np.unique(np.concatenate([_clusters_at_risk(process, pooled) for process in processes])).size
    if 0 < at_risk <= test.degrees_of_freedom:
        reason = "there are no more clusters than degrees of freedom"
        return replace(test, statistic=np.nan, degrees_of_freedom=0, p_value=np.nan, reason=reason)
    return test


def _clusters_at_risk(process: _Process, pooled: FloatArray) -> IntArray:
    """Return the clusters of the rows that are at risk at a recurrence in any group."""
    seen = np.append(0, np.cumsum((pooled > 0) & (process.before > 0)))
    return np.asarray(process.rows.cluster)[seen[process.leaves + 1] > seen[process.enters]]


def _score_influence(process: _Process, weight: FloatArray, pooled: FloatArray, clusters: int) -> FloatArray:
    """Return the influence of each cluster on the integral of `weight` Y dmu of a group, where dmu is `pooled`."""
    counted = weight * (process.before > 0) * pooled
    step = process.at_risk * counted
    path, drift = np.cumsum(step), np.cumsum(process.variance_before * step - counted)
    entering, leaving = process.influence(path, drift, process.before * weight)
    at_end = np.array([1.0, path[-1]]) @ (entering + leaving)[1:]  # the drift goes on only while a row lasts
    return sum_by(np.asarray(process.rows.cluster), at_end, clusters)
