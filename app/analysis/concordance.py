"""Concordance: whether of two subjects the one with the higher predicted risk has the event first."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray, IntArray, sum_by
from app.analysis.observations import Observations


@dataclass(frozen=True, slots=True)
class Concordance:
    """The probability of concordance, its standard error, and the pairs that tell of it; NaN where there are none."""

    estimate: float
    standard_error: float
    pairs: float


def concordance(observations: Observations, predictor: FloatArray) -> Concordance:
    """Estimate the probability that of two subjects the one with the higher predictor has the event first.

    C = (concordant + half of those tied in the predictor) / pairs. A pair is a subject with an event at t and one at
    risk at t (entry < t <= time) without an event then. The variance is the infinitesimal jackknife: the sum of the
    squares of the derivatives of C by the weights of subjects, summed within clusters; a row of weight w is w rows.
    O(n log n), by sums over all that come before in two orders.

    Parameters
    ----------
    observations : strata in sequence
    predictor : larger is worse, finite, shape [n], rows as in `observations`

    Source: Harrell et al., JAMA 1982;247:2543; Therneau & Atkinson, the concordance vignette of R's survival, 2020 (the
    variance). Checked against the `concordance` of the `cox` blocks of R's files.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> found = concordance(observe([1, 2, 3, 4], [True, True, False, True]), np.array([4.0, 1.0, 2.0, 1.0]))
    >>> found.pairs, found.estimate
    (5.0, 0.7)
    """
    weights, event = observations.weights, observations.event
    if not event.any():
        return Concordance(np.nan, np.nan, 0.0)
    times, rank_of_time = np.unique(observations.time, return_inverse=True)
    _, rank = np.unique(predictor, return_inverse=True)
    # A row outlives an event at time rank r if its `end` is above 2 r, and is not at risk yet if its `start` is.
    end, at = 2 * rank_of_time + ~event, 2 * rank_of_time[event]
    start: IntArray | None = None
    if observations.entry is not None:
        start = 2 * np.searchsorted(times, observations.entry, side="right") - 1

    def outliving(keys: IntArray) -> tuple[FloatArray, FloatArray]:
        return _sums(keys, rank, weights, at, rank[event])

    def outlived(keys: IntArray) -> tuple[FloatArray, FloatArray]:
        return _sums(-at, -rank[event], weights[event], -keys, -rank)

    at_risk, beaten = outliving(end)
    events, lost = outlived(end)
    if start is not None:
        at_risk, beaten = (both - one for both, one in zip((at_risk, beaten), outliving(start), strict=True))
        events, lost = (both - one for both, one in zip((events, lost), outlived(start), strict=True))
    pairs, concordant = float(weights[event] @ at_risk), float(weights[event] @ beaten)
    if pairs == 0:
        return Concordance(np.nan, np.nan, 0.0)
    estimate = concordant / pairs
    influence = lost - estimate * events
    influence[event] += beaten - estimate * at_risk
    return Concordance(estimate, _jackknife(observations, influence) / pairs, pairs)


def _jackknife(observations: Observations, influence: FloatArray) -> float:
    weights = observations.weights
    if observations.cluster is not None:
        sums = sum_by(observations.cluster, weights * influence)
        return float(np.linalg.norm(sums)) if sums.size > 1 else np.nan
    return float(np.sqrt((weights**2 if observations.sampling else weights) @ influence**2))


def _sums(
    given_key: IntArray, given_rank: IntArray, weight: FloatArray, key: IntArray, rank: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return for each asker the weight given above its key, and that of it below its rank and half of that at it."""
    order = np.argsort(given_key, kind="stable")
    passed = np.concatenate(([0.0], np.cumsum(weight[order])))
    above = passed[-1] - passed[np.searchsorted(given_key[order], key, side="right")]
    return above, _dominated(given_key, given_rank, weight, key, rank) + _tied(
        given_key, given_rank, weight, key, rank
    ) / 2


def _tied(given_key: IntArray, given_rank: IntArray, weight: FloatArray, key: IntArray, rank: IntArray) -> FloatArray:
    """Return for each asker the weight given above its key at its rank."""
    low = min(int(given_key.min()), int(key.min()))
    span = max(int(given_key.max()), int(key.max())) - low + 1
    given, asked = given_rank * span + given_key - low, rank * span + key - low
    order = np.argsort(given, kind="stable")
    passed = np.concatenate(([0.0], np.cumsum(weight[order])))
    ends = np.searchsorted(given[order], np.stack((asked, rank * span + span - 1)), side="right")
    return np.asarray(passed[ends[1]] - passed[ends[0]])


def _dominated(
    given_key: IntArray, given_rank: IntArray, weight: FloatArray, key: IntArray, rank: IntArray
) -> FloatArray:
    """Return for each asker the weight given above its key and below its rank.

    All have places in the order of descending keys, and stand in that of ranks. Of each block of 2, 4, 8, .. places
    those in its second half get what those who stand before them in its first half give.
    """
    askers, size = key.size, key.size + given_key.size
    padded = 1 << (size - 1).bit_length()
    is_given = np.arange(size) >= askers
    place = np.arange(padded)
    place[np.lexsort((is_given, -np.concatenate((key, given_key))))] = np.arange(size)
    place_of_asker = place[:askers]
    order = np.concatenate((np.lexsort((is_given, np.concatenate((rank, given_rank)))), np.arange(size, padded)))
    given, sums = np.concatenate((np.zeros(askers), weight, np.zeros(padded - size))), np.zeros(padded)
    place, given = place[order], given[order]
    half = padded // 2
    while half:
        second = (place & half) > 0
        passed = np.cumsum(np.where(second, 0, given).reshape(-1, 2 * half), axis=1).ravel()
        sums += np.where(second, passed, 0)
        halves = np.flatnonzero(~second).reshape(-1, half), np.flatnonzero(second).reshape(-1, half)
        order = np.stack(halves, axis=1).ravel()
        place, given, sums = place[order], given[order], sums[order]
        half //= 2
    return sums[place_of_asker]
