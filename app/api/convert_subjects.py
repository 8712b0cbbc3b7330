"""From flat subjects on the wire to a sample of the core."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from app.analysis.observations import Observations, observe
from app.schemas.flat_request import FlatRequest
from app.schemas.subjects import Category


def observed(request: FlatRequest, groups: Sequence[Category], cause: Sequence[int]) -> Observations:
    """Return the sample of a request, its groups coded by their place among `groups`; `cause` says what ended a row."""
    subjects = request.subjects
    return observe(
        subjects.time,
        cause,
        entry=subjects.entry,
        weight=subjects.weight,
        group=codes(subjects.group, groups),
        stratum=codes(subjects.stratum, _in_order(subjects.stratum)),
        cluster=codes(subjects.cluster, _in_order(subjects.cluster)),
        sampling=request.weight_kind == "sampling",
    )


def codes(values: Iterable[Hashable] | None, known: Iterable[Hashable]) -> list[int] | None:
    """Return the places of the values among those known, None without values."""
    code = {value: place for place, value in enumerate(known)}
    return None if values is None else [code[value] for value in values]


def _in_order(values: Iterable[Any] | None) -> list[Any]:
    # Sums over strata run in the order of their codes: sorted, rounding does not depend on the order of rows.
    return sorted(set(values or ()))
