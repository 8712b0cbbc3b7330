"""Kaplan-Meier and Nelson-Aalen estimates with their standard errors and intervals."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.influence import ClusteredRows
from app.analysis.intervals import ConfidenceType, probability_interval
from app.analysis.observations import Observations
from app.analysis.risk_table import RiskTable, per_survivor, risk_tables, table_of
from app.analysis.segments import Segments

CURVES = (
    "survival",
    "log_variance",
    "standard_error",
    "lower",
    "upper",
    "cumulative_hazard",
    "cumulative_hazard_standard_error",
)


@dataclass(frozen=True, slots=True)
class KaplanMeier:
    """The survival curve of a sample, or those of several one after another, at the distinct follow-up times.

    Attributes
    ----------
    samples, segments : the samples, and where the curve of each is
    table : the counts; all arrays, here too, have shape [m]
    survival : S(t), the probability of having had no event up to and including t
    log_variance : variance of log S(t); NaN where S(t) = 0
    standard_error : of S(t); NaN where S(t) = 0
    lower, upper : limits of S(t); NaN where undefined
    cumulative_hazard, cumulative_hazard_standard_error : Nelson-Aalen
    """

    samples: tuple[Observations, ...]
    segments: Segments
    table: RiskTable
    survival: FloatArray
    log_variance: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    cumulative_hazard: FloatArray
    cumulative_hazard_standard_error: FloatArray

    @property
    def observations(self) -> Observations:
        """Return the sample of a curve that stands alone."""
        (sample,) = self.samples
        return sample

    @property
    def time(self) -> FloatArray:
        """Return the distinct follow-up times."""
        return self.table.time

    def part(self, place: int) -> "KaplanMeier":
        """Return the curve of one of the samples alone."""
        if len(self.samples) == 1:
            return self
        start, stop = self.segments.bounds[place : place + 2]
        curves = [getattr(self, name)[start:stop] for name in CURVES]
        table = table_of(self.samples, place, self.table, self.segments)
        return KaplanMeier((self.samples[place],), Segments.of([stop - start]), table, *curves)

    def at(self, times: FloatArray) -> IntArray:
        """Return for each of `times` the place of the last follow-up time up to it, -1 before the first."""
        return np.searchsorted(self.time, times, side="right") - 1

    def survival_at(self, times: FloatArray) -> FloatArray:
        """Return S at each of `times`; 1 before the first follow-up time, carried forward after the last."""
        return np.concatenate(([1.0], self.survival))[self.at(times) + 1]


def kaplan_meier(
    *samples: Observations,
    confidence_level: float = 0.95,
    confidence_type: ConfidenceType = "log",
) -> KaplanMeier:
    """Estimate S(t) = prod over t_i <= t of (1 - d_i / n_i), events of every cause together, of each sample.

    Var log S(t) = sum d_i / [n_i (n_i - d_i)] (Greenwood), or the infinitesimal jackknife summed within clusters where
    the samples, all or none of them, have these. H(t) = sum d_i / n_i with variance sum d_i / n_i^2 (Nelson-Aalen), or
    its jackknife. n_i counts entry < t_i <= time; events come before censorings at the same time.

    Source: Kaplan & Meier, JASA 1958;53:457; Aalen, Ann Stat 1978;6:701. Checked against aml.json, lung.json,
    veteran.json, ovarian.json, kidney.json (clustered) and myeloma.json (entry).

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> curve = kaplan_meier(observe([1, 2, 2, 3], [True, True, False, True]))
    >>> curve.survival, curve.standard_error.round(4)
    (array([0.75, 0.5 , 0.  ]), array([0.2165, 0.25  ,    nan]))
    """
    table, segments = risk_tables(samples)
    hazard = table.events / table.at_risk
    survival = segments.running(1 - hazard, np.multiply)
    factors = per_survivor(table.at_risk, table.events), 1 / table.at_risk
    sums = segments.running(np.array([hazard, *(hazard * factor for factor in factors)]))
    log_variance, hazard_variance = variances = sums[1:]
    if samples[0].cluster is not None:
        rows = ClusteredRows.of(samples, table, segments)
        for variance, factor in zip(variances, factors, strict=True):
            variance[:] = _jackknife(rows, variance, factor)
    log_variance[survival == 0] = np.nan
    standard_error = survival * np.sqrt(log_variance)
    lower, upper = probability_interval(survival, standard_error, confidence_level, confidence_type)
    return KaplanMeier(
        samples,
        segments,
        table,
        survival,
        log_variance,
        standard_error,
        lower,
        upper,
        sums[0],
        np.sqrt(hazard_variance),
    )


def _jackknife(rows: ClusteredRows, drift: FloatArray, factor: FloatArray) -> FloatArray:
    """Return the variance of the sum over t_i <= t of a function of d_i / n_i with derivative n_i `factor`_i.

    `drift` is the sum over t_i <= t of d_i / n_i `factor`_i.
    """
    # A row moves the sum by drift(t) - drift(entry) while it is at risk, and from its time on by what it had then,
    # less the factor if it ended with an event.
    always = np.ones_like(rows.weights)
    entering = np.array([always, -rows.segments.before(drift, 0.0)[rows.enters]])
    leaving = np.array([-always, drift[rows.leaves] - (rows.cause > 0) * factor[rows.leaves]])
    return rows.variance(entering, leaving, np.array([drift, np.ones_like(drift)]))
