"""P-values adjusted for the number of tests."""

from typing import Literal, get_args

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.errors import InvalidParameterError

Adjustment = Literal["holm", "hochberg", "bonferroni", "bh", "by", "none"]


def adjusted_p_values(p_values: FloatArray, adjustment: Adjustment) -> FloatArray:
    """Return the p-values of a family of tests, adjusted for its size n.

    The i-th smallest p is multiplied by n (Bonferroni), n - i + 1 (Holm, Hochberg), n / i (BH, Benjamini-Hochberg) or
    n / i sum_j 1 / j (BY, Benjamini-Yekutieli). What is then out of order is raised to the largest before it (Holm), or
    lowered to the smallest after it (Hochberg, BH, BY); nothing exceeds 1. Holm, Hochberg and Bonferroni control the
    chance of any false finding, BH and BY the share of false findings.

    Parameters
    ----------
    p_values : shape [n]; NaN, for a test that does not exist, stays NaN and is not counted

    Raises
    ------
    InvalidParameterError
        If there is no such adjustment.

    Source: Holm, Scand J Stat 1979;6:65; Hochberg, Biometrika 1988;75:800; Benjamini & Hochberg, JRSS B 1995;57:289;
    Benjamini & Yekutieli, Ann Stat 2001;29:1165. Checked against `pairwise` in the `logrank` blocks of lung.json,
    veteran.json, kidney.json and melanoma.json (R's `p.adjust`).

    Examples
    --------
    >>> adjusted_p_values(np.array([0.01, 0.04, np.nan, 0.03]), "holm")
    array([0.03, 0.06,  nan, 0.06])
    """
    if adjustment not in get_args(Adjustment):
        raise InvalidParameterError(f"p-values are adjusted by one of {', '.join(get_args(Adjustment))}")
    adjusted = np.array(p_values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(adjusted))
    order = known[np.argsort(adjusted[known])]
    product = _factors(order.size, adjustment) * adjusted[order]
    if adjustment in ("hochberg", "bh", "by"):
        ordered = np.minimum.accumulate(product[::-1])[::-1]
    else:
        ordered = np.maximum.accumulate(product)
    adjusted[order] = np.minimum(ordered, 1.0)
    return adjusted


def _factors(tests: int, adjustment: Adjustment) -> FloatArray:
    rank = np.arange(1.0, tests + 1)
    match adjustment:
        case "none":
            return np.ones(tests)
        case "bonferroni":
            return np.full(tests, float(tests))
        case "holm" | "hochberg":
            return tests + 1 - rank
        case "bh":
            return tests / rank
        case _:
            return np.sum(1 / rank) * (tests / rank)
