"""The max-combo test: the largest of several weighted log-rank tests."""

from functools import cache
from itertools import combinations, product

import numpy as np
from scipy.special import erfc

from app.analysis.arrays import FloatArray
from app.analysis.event_times import EventTimes
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.logrank import (
    SAMPLING_REASON,
    Weighting,
    observed_and_expected,
    spread,
    undefined_test,
    weights_of,
)

#: The last weights, the log-rank test's, are the sum of the first two: the four Z have three dimensions.
_WEIGHTINGS = [Weighting("fleming-harrington", rho, gamma) for rho, gamma in ((1, 0), (0, 1), (1, 1), (0, 0))]


def max_combo_test(times: EventTimes) -> HypothesisTest:
    """Test whether two groups have the same hazard, with power where the hazards are not proportional.

    The statistic is the largest |Z| = |U| / sqrt(V) of the Fleming-Harrington tests with (rho, gamma) = (0, 0), (1, 0),
    (0, 1) and (1, 1), as in `logrank_test`: tie rule, entry rule and strata are its. The p-value is P(max |Z_i| >= it)
    for normal Z with correlations sum w_a w_b v / sqrt(sum w_a^2 v sum w_b^2 v), v the variance of the events at a time
    (`largest_of_normals` has its accuracy). `observed` and `expected` are those of the log-rank test, the degrees of
    freedom 0, as the statistic is not chi-squared. Weightings without variance drop out.

    Parameters
    ----------
    times : of the sample, with its groups

    The statistic is NaN, with a reason, without exactly two groups, without variance, and with sampling weights.

    Source: Lee, Biometrics 1996;52:721; Lin et al., Stat Biopharm Res 2020;12:187; Roychoudhury et al., Stat Biopharm
    Res 2023;15:280. Its statistic is checked against the z of the `logrank` blocks with two groups in aml.json,
    lung.json, veteran.json, ovarian.json, kidney.json, melanoma.json and rhdnase.json; no R figure of its p-value.

    Examples
    --------
    >>> from app.analysis.event_times import event_times
    >>> from app.analysis.observations import observe
    >>> test = max_combo_test(event_times(observe([1, 2, 3, 4, 5, 6], [True] * 6, group=[0, 0, 1, 0, 1, 1]), 2))
    >>> round(test.statistic, 4), round(test.p_value, 4)
    (1.599, 0.1963)
    """
    observed, expected = observed_and_expected(times, np.ones_like(times.time))
    if times.sampling:
        return undefined_test("max-combo", observed, expected, SAMPLING_REASON)
    if len(times.events) != 2:
        return undefined_test("max-combo", observed, expected, "compares two groups only")
    share = times.share
    deviation = np.sqrt(spread(times) * share.prod(axis=0))
    weights = np.array([weights_of(times, weighting) for weighting in _WEIGHTINGS])
    score = weights @ (times.events[0] * share[1] - times.events[1] * share[0])
    factors = weights * deviation
    size = np.linalg.norm(factors, axis=1)
    kept = size > 0
    if not kept.any():
        reason = "the variance is 0: no event at a time when both groups were at risk"
        return undefined_test("max-combo", observed, expected, reason)
    statistic = float(np.max(np.abs(score[kept]) / size[kept]))
    triangle = np.asarray(np.linalg.qr((factors[kept] / size[kept, None]).T, mode="r"))
    p_value = largest_of_normals(statistic, triangle[:3].T)
    return HypothesisTest("max-combo", statistic, 0, p_value, observed, expected)


def largest_of_normals(bound: float, loadings: FloatArray) -> float:
    """Return P(max_i |l_i' x| >= bound) for standard normal x in up to three dimensions.

    Given the direction of x, its length exceeds bound / c with the chi-squared(3) tail of (bound / c)^2, where c is the
    largest |l_i' x| / |x|. The integral of this over the directions that are nearest to one l_i goes by Green's theorem
    into one along their edges, which are arcs of great circles. With Q(m) = P(|Z| >= m), the angle a between l_i and
    the middle of the edge to its neighbour +-l_j, w the angle along the edge and c = cos a cos w, each edge adds

        sin a / pi * integral of (Q(bound) - c Q(bound / c)) / (1 - c^2) dw,

    smooth and positive: by Gauss-Legendre quadrature the relative error is below 1e-12 down to p = 1e-80, and below
    1e-6 as far as p is a number.

    Parameters
    ----------
    bound : >= 0
    loadings : the l_i, shape [k, 1 .. 3]; their length does not matter

    Examples
    --------
    >>> round(largest_of_normals(1.959964, np.eye(3)), 6), round(1 - 0.95**3, 6)
    (0.142625, 0.142625)
    """
    directions = _distinct(np.pad(loadings, ((0, 0), (0, 3 - loadings.shape[1]))))
    if len(directions) == 1:
        return float(erfc(bound / np.sqrt(2)))
    edges = [
        _edge(bound, directions[i], sign * directions[j], np.delete(directions, (i, j), axis=0))
        for (i, j), sign in product(combinations(range(len(directions)), 2), (1, -1))
    ]
    return float(min(np.sum(edges) / np.pi, 1.0))


def _distinct(loadings: FloatArray) -> FloatArray:
    """Return the directions in which some loadings point, each once, of length 1."""
    found: list[FloatArray] = []
    for direction in loadings / np.linalg.norm(loadings, axis=1, keepdims=True):
        if all(np.linalg.norm(np.cross(direction, other)) > 1e-9 for other in found):
            found.append(direction)
    return np.array(found)


def _edge(bound: float, first: FloatArray, second: FloatArray, others: FloatArray) -> float:
    """Return the integral along the edge between the directions nearest to `first` and those nearest to `second`."""
    middle, normal = (_unit(vector) for vector in (first + second, np.cross(first, second)))
    cosine, sine = first @ middle, np.linalg.norm(first - second) / 2
    # Where +-l is not nearer, +-l' (middle cos w + normal sin w) <= cosine cos w, is half of the circle of all w.
    both = np.concatenate((others, -others))
    centres = np.arctan2(-both @ normal, cosine - both @ middle)
    start, end = np.max(centres, initial=0.0) - np.pi / 2, np.min(centres, initial=0.0) + np.pi / 2
    if start >= end:
        return 0.0
    nodes, weights = _quadrature()
    angle = (start + end) / 2 + (end - start) / 2 * nodes
    c = cosine * np.cos(angle)
    excess = erfc(bound / np.sqrt(2)) - c * erfc(bound / (c * np.sqrt(2)))
    integrand = excess / (sine**2 + (cosine * np.sin(angle)) ** 2)
    return float(sine * (end - start) / 2 * (weights @ integrand))


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector))


@cache
def _quadrature() -> tuple[FloatArray, FloatArray]:
    return np.polynomial.legendre.leggauss(128)
