"""Covariates that separate subjects with events from others, so that no parametric model of them has a maximum."""

import numpy as np

from app.analysis.arrays import BoolArray, FloatArray
from app.analysis.design_matrix import Design, separated

#: A share of the largest singular value, or of a standard deviation, that rounding may leave of 0.
ROUNDING = 1e-9


def check_not_separated(design: Design, covariates: FloatArray, event: BoolArray) -> None:
    """Refuse a model in which the times of some subjects without events, and of no others, may be ever so long.

    Where a direction d of the coefficients has x d = 0 for all rows with events and x d >= 0, somewhere > 0, for
    others, the log-likelihood of any distribution tends along d to more than it was: a row without an event adds
    log S(z), with a late entry log S(z) - log S(z at the entry), which is below 0 and tends to 0 as z falls. Without
    late entries no coefficient is infinite in another way (Burridge, J R Stat Soc B 1981;43:41).

    Parameters
    ----------
    covariates : that can be told apart, shape [n, p]
    event : whether a row ended with the event, shape [n]

    Raises
    ------
    NoModelError
        That names the covariates that do so alone; if none does, those that do so together.

    Examples
    --------
    >>> from app.analysis.design_matrix import design_of
    >>> coded = design_of({"arm": ["x", "x", "y"]})
    >>> check_not_separated(coded, np.array([[0.0], [0.0], [1.0]]), np.array([True, False, False]))
    Traceback (most recent call last):
    app.analysis.design_matrix.NoModelError: the covariate arm separates those with events from the others at risk: ...
    """
    if event.all() or not covariates.size:
        return
    x = (covariates - covariates.mean(axis=0)) / covariates.std(axis=0)
    places = _separating_columns(x, event)
    if places:
        alone = [term for term, columns in design.terms.items() if _separating_columns(x[:, columns], event)]
        raise separated(alone or [design.columns[place].term for place in places])


def _separating_columns(x: FloatArray, event: BoolArray) -> list[int]:
    """Return the columns in which a direction that separates is not 0, [] where there is none."""
    with_intercept = np.column_stack((np.ones(len(x)), x))
    _, values, vectors = np.linalg.svd(np.linalg.qr(with_intercept[event], mode="r"))
    rank = int((values > ROUNDING * values[0]).sum())
    if rank == vectors.shape[0]:
        return []
    from scipy.optimize import linprog  # noqa: PLC0415  seldom needed, and a fifth of a second to import

    directions = vectors[rank:].T
    longer = np.unique(np.round(with_intercept[~event] @ directions / ROUNDING) * ROUNDING, axis=0)
    # Of the directions in which no time becomes shorter, the one in which times become longest; 0 is one of them.
    found = linprog(-longer.sum(axis=0), A_ub=-longer, b_ub=np.zeros(len(longer)), bounds=(-1, 1))
    step = np.abs((directions @ found.x)[1:])
    columns: list[int] = np.flatnonzero(step > 1e-3 * step.max()).tolist()
    return columns if (longer @ found.x).sum() > 1e-6 else []
