"""Hypothesis strategies: samples as a caller would hand them over."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from hypothesis import strategies as st

from app.analysis.observations import Observations, observe

LAST_TIME = 6


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of a sample in no order, near-ties and all; None where it has no such column.

    Group, stratum and cluster codes are 0, 1, .. without gaps.
    """

    time: list[float]
    cause: list[int]
    entry: list[float] | None = None
    weight: list[int] | None = None
    group: list[int] | None = None
    stratum: list[int] | None = None
    cluster: list[int] | None = None

    @property
    def size(self) -> int:
        """Return the number of rows."""
        return len(self.time)

    @property
    def groups(self) -> int:
        """Return the number of groups, 1 where the sample has none."""
        return 1 if self.group is None else max(self.group) + 1

    def cut_in_two(self) -> "Rows":
        """Return each row as two: (entry, middle] censored, and (middle, time]."""
        entry = self.entry or [0.0] * self.size
        middle = [(start + end) / 2 for start, end in zip(entry, self.time, strict=True)]
        return replace(
            self.take([*range(self.size)] * 2),
            time=middle + self.time,
            cause=[0] * self.size + self.cause,
            entry=entry + middle,
        )

    def columns(self) -> dict[str, Any]:
        """Return the columns that the sample has, as the arguments of `observe`."""
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: values for name, values in pairs if values is not None}

    def observe(self) -> Observations:
        """Return the checked and sorted sample."""
        return observe(**self.columns())

    def take(self, places: Sequence[int]) -> "Rows":
        """Return the rows at the given places, in that order."""
        return Rows(**{name: [values[place] for place in places] for name, values in self.columns().items()})

    def replicated(self) -> "Rows":
        """Return the sample with each row as often as its weight says, and no weights."""
        weight = self.weight or [1] * self.size
        places = [place for place in range(self.size) for _ in range(weight[place])]
        return replace(self.take(places), weight=None)


@st.composite
def rows(
    draw: st.DrawFn,
    *,
    causes: int = 1,
    groups: int = 3,
    entry: bool | None = None,
    weight: bool | None = None,
    group: bool | None = None,
    stratum: bool | None = False,
    cluster: bool | None = None,
    near_ties: bool = False,
    min_size: int = 1,
    max_size: int = 10,
) -> Rows:
    """Draw a sample with many ties, times 0 and all kinds of optional columns.

    Times are 0 .. 6 (above the entry, 0 .. 5, where there is one), with `near_ties` each at times some 1e-9 more, or
    -0.0. A column is there if its flag is True, absent if False, either if None. There are at most `groups` groups.
    """
    size = draw(st.integers(min_size, max_size))

    def column(element: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(element, min_size=size, max_size=size))

    def wanted(flag: bool | None) -> bool:
        return draw(st.booleans()) if flag is None else flag

    jitter = st.sampled_from([0.0, 3e-9, 6e-9] if near_ties else [0.0])
    zero = st.sampled_from([0.0, -0.0] if near_ties else [0.0])
    starts = [0] * size
    entries = None
    if wanted(entry):
        starts = column(st.integers(0, LAST_TIME - 1))
        entries = [start + draw(jitter) if start else draw(zero) for start in starts]
    first = 0 if entries is None else 1
    ends = [draw(st.integers(start + first, LAST_TIME)) for start in starts]
    return Rows(
        [end + draw(jitter) if end else draw(zero) for end in ends],
        column(st.integers(0, causes)),
        entries,
        column(st.integers(1, 4)) if wanted(weight) else None,
        _without_gaps(column(st.integers(0, groups - 1))) if wanted(group) else None,
        _without_gaps(column(st.integers(0, 2))) if wanted(stratum) else None,
        _without_gaps(column(st.integers(0, size - 1))) if wanted(cluster) else None,
    )


@st.composite
def split_in_rows(draw: st.DrawFn, samples: st.SearchStrategy[Rows]) -> tuple[Rows, Rows]:
    """Draw a sample with frequency weights, and the same with a row for each subject in any order."""
    sample = draw(samples)
    subjects = sample.replicated()
    return sample, subjects.take(draw(st.permutations(range(subjects.size))))


@st.composite
def shuffled(draw: st.DrawFn, samples: st.SearchStrategy[Rows]) -> tuple[Rows, Rows]:
    """Draw a sample, and the same in another row order."""
    sample = draw(samples)
    return sample, sample.take(draw(st.permutations(range(sample.size))))


def _without_gaps(codes: list[int]) -> list[int]:
    present = sorted(set(codes))
    return [present.index(code) for code in codes]
