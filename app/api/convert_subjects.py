"""From flat subjects on the wire to a sample of the core."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from app.analysis.arrays import IntArray
from app.analysis.observations import Observations, observe
from app.schemas.columns import Coded
from app.schemas.flat_request import FlatRequest
from app.schemas.subjects import Category


def observed(request: FlatRequest, groups: Sequence[Category], cause: ArrayLike) -> Observations:
    """Return the sample of a request, its groups coded by their place among `groups`; `cause` says what ended a row."""
    subjects = request.subjects
    return observe(
        subjects.time,
        cause,
        entry=subjects.entry,
        weight=subjects.weight,
        group=codes(subjects.group, groups),
        stratum=sorted_codes(subjects.stratum),
        cluster=sorted_codes(subjects.cluster),
        sampling=request.weight_kind == "sampling",
    )


@overload
def codes(column: None, known: Iterable[Hashable]) -> None: ...


@overload
def codes(column: Sequence[Any], known: Iterable[Hashable]) -> IntArray: ...


def codes(column: Sequence[Any] | None, known: Iterable[Hashable]) -> IntArray | None:
    """Return the places of the labels among those known, shape [n]; None without a column.

    Examples
    --------
    >>> codes(["b", "a", "b"], ["a", "b"])
    array([1, 0, 1])
    """
    if column is None:
        return None
    labels = column if isinstance(column, Coded) else Coded.of(column)
    place = {label: code for code, label in enumerate(known)}
    code: IntArray = np.array([place[label] for label in labels.levels], dtype=np.int64)
    return np.take(code, labels.codes)


def sorted_codes(column: Sequence[Any] | None) -> IntArray | None:
    """Return the places of the labels among them all, sorted: rounding does not depend on the order of rows then."""
    return codes(column, sorted(set(column.levels if isinstance(column, Coded) else column or ())))
