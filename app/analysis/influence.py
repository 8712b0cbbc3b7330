"""Robust variances: the infinitesimal jackknife, summed within clusters."""

import numpy as np

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.spans import spans

#: Elements of a matrix of clusters by times that is computed with as it is.
FEW = 20_000
SINGLE_CLUSTER = "no standard error: a single cluster"


def clustered_variance(cluster: IntArray, position: IntArray, change: FloatArray, basis: FloatArray) -> FloatArray:
    """Return sum over clusters c of (sum_j x_cj(t) f_j(t))^2 at each time t.

    The influence of a cluster on an estimate at t is a combination of few functions f_j of time that all clusters
    share, with coefficients x_cj that change only where one of its rows enters or leaves. So the products x_ci x_cj
    are summed over the times between two changes at once: O(n log n) instead of O(clusters x times), which is the
    faster way of few.

    Parameters
    ----------
    cluster : cluster code of each change, shape [r]
    position : place in time from which the change counts, 0 .. m - 1, shape [r]
    change : what is added to the cluster's coefficients, shape [r, q]
    basis : the functions f_j at each time, shape [m, q]

    Returns
    -------
    variance : shape [m]

    Source: Efron, The jackknife, the bootstrap and other resampling plans (1982), ch. 6; Lin & Wei, JASA 1989;84:1074.
    Checked against kidney.json (clustered Kaplan-Meier).

    Examples
    --------
    Two clusters; the first has coefficient 1 from time 0 on and 3 from time 1 on, the second 2 from time 1 on:

    >>> clustered_variance(
    ...     np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([[1.0], [2.0], [2.0]]), np.array([[1.0], [1.0]])
    ... )
    array([ 1., 13.])
    """
    size = int(cluster.max()) + 1, *basis.shape
    if np.prod(size, dtype=np.float64) <= FEW:
        state = np.zeros(size)
        np.add.at(state, (cluster, position), change)
        return np.asarray((np.einsum("ctq,tq->ct", np.cumsum(state, axis=1), basis) ** 2).sum(axis=0))
    order = np.lexsort((position, cluster))
    cluster, position, change = cluster[order], position[order], change[order]
    is_last = np.diff(cluster, append=-1) != 0
    state = _running_by_cluster(cluster, change)
    until = np.where(is_last, basis.shape[0], np.append(position[1:], 0))
    first, second = np.triu_indices(change.shape[1])
    products = np.where(first == second, 1.0, 2.0) * state[:, first] * state[:, second]
    # No term is taken away again when a cluster changes: a large one leaves nothing of its rounding behind.
    moments = spans(position, until, basis.shape[0]).over_rows(products.T)
    variance: FloatArray = np.einsum("jt,tj->t", moments, basis[:, first] * basis[:, second])
    return np.maximum(variance, 0.0)


def of_several(cluster: IntArray, variance: FloatArray) -> FloatArray:
    """Return the variance, NaN with a single cluster: that of all has no influence, whatever the data."""
    return variance if np.ptp(cluster) else np.full_like(variance, np.nan)


def _running_by_cluster(cluster: IntArray, change: FloatArray) -> FloatArray:
    """Return the running sums of the changes within each cluster, whose rows stand together; shape [r, q]."""
    starts = np.flatnonzero(np.diff(cluster, prepend=-1))
    lengths = np.diff(starts, append=cluster.size)
    state = change.copy()
    for step in range(1, int(lengths.max())):
        place = starts[lengths > step] + step
        state[place] += state[place - 1]
    return state
