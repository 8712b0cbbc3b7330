"""The result that every test of a hypothesis has."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from app.analysis.arrays import FloatArray

TOO_FEW_CLUSTERS = "the clusters are too few for a robust variance"


@dataclass(frozen=True, slots=True)
class HypothesisTest:
    """A two-sided test.

    Attributes
    ----------
    name : as the response names it
    statistic, degrees_of_freedom : of its chi-squared distribution; NaN and 0 for an exact test
    p_value : NaN where the test does not exist
    observed, expected : events of each group under the hypothesis, shape [k]; None for tests without them
    reason : why the test does not exist, None where it does
    """

    name: str
    statistic: float
    degrees_of_freedom: int
    p_value: float
    observed: FloatArray | None = None
    expected: FloatArray | None = None
    reason: str | None = None


def wald_test(coefficient: FloatArray, covariance: FloatArray) -> HypothesisTest:
    """Return the chi-squared test that all coefficients are 0; NaN where their covariance is not known or singular.

    Parameters
    ----------
    coefficient, covariance : shapes [p] and [p, p]

    Examples
    --------
    >>> round(wald_test(np.array([1.0, 2.0]), np.diag([1.0, 4.0])).statistic, 4)
    2.0
    """
    error, size = np.sqrt(covariance.diagonal()), coefficient.size
    correlation = covariance / np.outer(error, error)
    if np.isnan(correlation).any() or np.linalg.eigvalsh(correlation)[0] <= 1e-12:
        return HypothesisTest("wald", np.nan, size, np.nan, reason=TOO_FEW_CLUSTERS)
    z = coefficient / error
    statistic = float(z @ np.linalg.solve(correlation, z))
    return HypothesisTest("wald", statistic, size, float(chdtrc(size, statistic)))


def quadratic_form_test(
    name: str,
    score: FloatArray,
    covariance: FloatArray,
    observed: FloatArray | None = None,
    expected: FloatArray | None = None,
) -> HypothesisTest:
    """Return the chi-squared test of score' covariance^- score, with a generalised inverse where it is singular.

    Parameters
    ----------
    score : shape [k], for instance observed - expected events of each group
    covariance : shape [k, k]; directions in which it vanishes drop out of the degrees of freedom

    Examples
    --------
    >>> result = quadratic_form_test("log-rank", np.array([2.0, -2.0]), np.array([[1.0, -1.0], [-1.0, 1.0]]))
    >>> round(result.statistic, 4), result.degrees_of_freedom, round(result.p_value, 4)
    (4.0, 1, 0.0455)
    """
    scale = float(np.max(np.abs(covariance.diagonal()), initial=0.0))
    values, vectors = np.linalg.eigh(covariance)
    estimable = values > scale * covariance.shape[0] * 1e-10
    degrees_of_freedom = int(estimable.sum())
    if degrees_of_freedom == 0:
        reason = "the variance is 0: no event that counts at a time when two groups were at risk"
        return HypothesisTest(name, np.nan, 0, np.nan, observed, expected, reason)
    projected = vectors[:, estimable].T @ score
    statistic = float(np.sum(projected**2 / values[estimable]))
    p_value = float(chdtrc(degrees_of_freedom, statistic))
    return HypothesisTest(name, statistic, degrees_of_freedom, p_value, observed, expected)
