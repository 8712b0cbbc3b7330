"""Robust variances: the infinitesimal jackknife, summed within clusters."""

import numpy as np

from app.analysis.arrays import FloatArray, IntArray


def clustered_variance(cluster: IntArray, position: IntArray, change: FloatArray, basis: FloatArray) -> FloatArray:
    """Return sum over clusters c of (sum_j x_cj(t) f_j(t))^2 at each time t, without a matrix of clusters by times.

    The influence of a cluster on an estimate at t is a combination of few functions f_j of time that all clusters
    share, with coefficients x_cj that change only where one of its rows enters or leaves. So the sums of x_ci x_cj
    over the clusters are updated at those changes alone: O(n log n) instead of O(clusters x times).

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
    order = np.lexsort((position, cluster))
    cluster, position, change = cluster[order], position[order], change[order]
    starts = np.concatenate(([True], cluster[1:] != cluster[:-1]))
    running = np.cumsum(change, axis=0)
    before_cluster = (running - change)[starts][np.cumsum(starts) - 1]
    after = running - before_cluster
    before = after - change
    update = after[:, :, None] * after[:, None, :] - before[:, :, None] * before[:, None, :]
    moments = np.zeros((basis.shape[0], *update.shape[1:]))
    np.add.at(moments, position, update)
    variance: FloatArray = np.einsum("ti,tij,tj->t", basis, np.cumsum(moments, axis=0), basis)
    return np.maximum(variance, 0.0)
