"""Robust variances: the infinitesimal jackknife, summed within clusters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import BoolArray, FloatArray, IntArray, sum_by
from app.analysis.observations import Observations
from app.analysis.risk_table import RiskTable
from app.analysis.segments import Segments
from app.analysis.spans import spans

#: Elements of a matrix of clusters by times that is computed with as it is.
FEW = 50_000
SINGLE_CLUSTER = "no standard error: a single cluster"


@dataclass(frozen=True, slots=True)
class ClusteredRows:
    """The rows of samples that all have clusters, one sample after another; shape [n].

    Attributes
    ----------
    segments : where the times of each sample are among those of all
    cluster, weights, cause : as the samples have them
    enters, leaves : the places in time of the first time at which a row is at risk, and of its own
    alone : where the sample has a single cluster, shape [s]
    """

    segments: Segments
    cluster: IntArray
    weights: FloatArray
    cause: IntArray
    enters: IntArray
    leaves: IntArray
    alone: BoolArray

    @classmethod
    def of(cls, samples: Sequence[Observations], table: RiskTable, segments: Segments) -> "ClusteredRows":
        """Return the rows of samples whose counts are in the table, by segments."""
        cluster, weights, cause = (
            np.concatenate([getattr(sample, name) for sample in samples]) for name in ("cluster", "weights", "cause")
        )
        rows = Segments.of([sample.size for sample in samples])
        enters = np.repeat(segments.starts, np.diff(rows.bounds))
        for sample, times, entered in zip(samples, segments.split(table.time), rows.split(enters), strict=True):
            if sample.entry is not None:
                np.add(entered, np.searchsorted(times, sample.entry, side="right"), out=entered)
        alone = np.maximum.reduceat(cluster, rows.starts) == np.minimum.reduceat(cluster, rows.starts)
        return cls(segments, cluster, weights, cause, enters, table.position, alone)

    def variance(self, entering: FloatArray, leaving: FloatArray, basis: FloatArray) -> FloatArray:
        """Return at each time the sum over clusters of the squared influence of their rows; NaN for one cluster alone.

        Its influence on what is estimated from it alone is 0, whatever the data.

        Parameters
        ----------
        entering, leaving : coefficients of the functions of time in a row's influence, from when it enters on, and
            what is added to them from its own time on; shape [q, n]
        basis : these functions, shape [q, m]

        Returns
        -------
        variance : shape [m]
        """
        variance = clustered_variance(
            np.concatenate((self.cluster, self.cluster)),
            np.concatenate((self.enters, self.leaves)),
            np.concatenate((self.weights * entering, self.weights * leaving), axis=1),
            basis,
            self.segments,
        )
        variance[self.segments.each(self.alone)] = np.nan
        return variance


def clustered_variance(
    cluster: IntArray, position: IntArray, change: FloatArray, basis: FloatArray, segments: Segments
) -> FloatArray:
    """Return sum over clusters c of (sum_j x_cj(t) f_j(t))^2 at each time t.

    The influence of a cluster on an estimate at t is a combination of few functions f_j of time that all clusters
    share, with coefficients x_cj that change only where one of its rows enters or leaves. So the products x_ci x_cj
    are summed over the times between two changes at once: O(n log n) instead of O(clusters x times), which is the
    faster way of few.

    Parameters
    ----------
    cluster : cluster code of each change, shape [r]
    position : place in time from which the change counts, until the end of its segment, 0 .. m - 1, shape [r]
    change : what is added to the cluster's coefficients, shape [q, r]
    basis : the functions f_j at each time, shape [q, m]
    segments : where the times of each sample are; equal codes in two samples are two clusters

    Returns
    -------
    variance : shape [m]

    Source: Efron, The jackknife, the bootstrap and other resampling plans (1982), ch. 6; Lin & Wei, JASA 1989;84:1074.
    Checked against kidney.json (clustered Kaplan-Meier).

    Examples
    --------
    Two clusters; the first has coefficient 1 from time 0 on and 3 from time 1 on, the second 2 from time 1 on:

    >>> changes = np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([[1.0, 2.0, 2.0]])
    >>> clustered_variance(*changes, np.array([[1.0, 1.0]]), Segments.of([2]))
    array([ 1., 13.])
    """
    if (int(cluster.max()) + 1.0) * basis.size <= FEW:
        return _by_matrix(cluster, position, change, basis, segments)
    return _by_spans(cluster, position, change, basis, segments)


def _by_matrix(
    cluster: IntArray, position: IntArray, change: FloatArray, basis: FloatArray, segments: Segments
) -> FloatArray:
    shape = int(cluster.max()) + 1, basis.shape[1]
    cell, size = cluster * shape[1] + position, shape[0] * shape[1]
    changes = np.array([sum_by(cell, added, size) for added in change])
    influence = (segments.running(changes.reshape(-1, *shape)) * basis[:, None]).sum(axis=0)
    return np.asarray((influence**2).sum(axis=0))


def _by_spans(
    cluster: IntArray, position: IntArray, change: FloatArray, basis: FloatArray, segments: Segments
) -> FloatArray:
    sample = np.searchsorted(segments.starts, position, side="right") - 1
    cluster = cluster + sample * (int(cluster.max()) + 1)
    order = np.lexsort((position, cluster))
    cluster, position, change = cluster[order], position[order], change[:, order]
    is_last = np.diff(cluster, append=-1) != 0
    state = _running_by_cluster(cluster, change)
    until = np.where(is_last, segments.lasts[sample[order]] + 1, np.append(position[1:], 0))
    first, second = np.triu_indices(change.shape[0])
    products = np.where(first == second, 1.0, 2.0)[:, None] * state[first] * state[second]
    # No term is taken away again when a cluster changes: a large one leaves nothing of its rounding behind.
    moments = spans(position, until, basis.shape[1]).over_rows(products)
    variance: FloatArray = (moments * (basis[first] * basis[second])).sum(axis=0)
    return np.maximum(variance, 0.0)


def _running_by_cluster(cluster: IntArray, change: FloatArray) -> FloatArray:
    """Return the running sums of the changes within each cluster, whose rows stand together; shape [q, r]."""
    starts = np.flatnonzero(np.diff(cluster, prepend=-1))
    lengths = np.diff(starts, append=cluster.size)
    state = change.copy()
    for step in range(1, int(lengths.max())):
        place = starts[lengths > step] + step
        state[:, place] += state[:, place - 1]
    return state
