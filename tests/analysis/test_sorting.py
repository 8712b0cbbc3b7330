"""Rows in order, and as counts: packed into numbers they are what they are when sorted column by column."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.analysis.observations import observe
from app.analysis.sorting import Columns, counted, in_order, tallied

DECIMALS = st.integers(0, 40).map(lambda ticks: ticks / 10)
ANY = st.floats(0, 1e6)
NEAR = st.sampled_from([0.3, 0.1 + 0.2, 0.3 + 1e-9, 1.0, 1.0 + 1e-15, 7.25])


def columns_of(rows: list[tuple[float, int, int, int]], *, weighted: bool = False) -> Columns:
    time, cause, group, stratum = zip(*rows, strict=True)
    columns: Columns = {"time": np.array(time, dtype=np.float64)}
    columns |= {name: np.array(column) for name, column in (("cause", cause), ("group", group), ("stratum", stratum))}
    return columns | ({"weight": np.arange(1.0, len(rows) + 1)} if weighted else {})


def rows_of(times: st.SearchStrategy[float]) -> st.SearchStrategy[list[tuple[float, int, int, int]]]:
    return st.lists(st.tuples(times, st.integers(0, 2), st.integers(0, 3), st.integers(0, 1)), min_size=1, max_size=30)


def assert_same(found: Columns | None, expected: Columns) -> None:
    assert found is not None
    assert found.keys() == expected.keys()
    for name, column in expected.items():
        np.testing.assert_array_equal(found[name], column, strict=True)


@given(rows_of(DECIMALS), st.booleans())
def test_counting_is_sorting(rows: list[tuple[float, int, int, int]], weighted: bool) -> None:
    columns = columns_of(rows, weighted=weighted)
    assert_same(tallied(columns), counted(in_order(columns)))


@given(rows_of(DECIMALS | ANY | NEAR))
@example([(0.0, 1, 0, 0), (1 / 3, 0, 3, 1), (0.0, 1, 0, 0)])
@example([(5e-324, 1, 0, 0), (1e6, 0, 3, 1)])
def test_any_times_are_as_if_rows_were_compared(rows: list[tuple[float, int, int, int]]) -> None:
    """Entries at 0, which say nothing, make rows be compared; a time of 0 would end before them."""
    columns = columns_of([(time + 1, *kind) for time, *kind in rows])  # type: ignore[misc]
    packed, compared = observe(**columns), observe(**columns, entry=np.zeros(len(rows)))
    for name in ("time", "cause", "group", "stratum", "weights"):
        np.testing.assert_array_equal(getattr(packed, name), getattr(compared, name), strict=True)


@given(rows_of(DECIMALS | ANY))
def test_rows_are_in_the_order_of_all_their_columns(rows: list[tuple[float, int, int, int]]) -> None:
    found = in_order(columns_of(rows, weighted=True))
    order = [found[name].tolist() for name in ("time", "cause", "group", "stratum", "weight")]
    keys = [(time, cause == 0, cause, *rest) for time, cause, *rest in zip(*order, strict=True)]
    assert keys == sorted(keys)
    assert sorted(order[-1]) == list(range(1, len(rows) + 1))


@pytest.mark.parametrize(
    "columns",
    [
        {"time": [1.5, 2.5], "cause": [0, 1], "cluster": [0, 1]},
        {"time": [1 / 3, 2.5], "cause": [0, 1], "weight": [1.0, 2.0]},
        {"time": [1e-300, 1e300], "cause": [0, 1]},
    ],
    ids=["clusters stay apart", "weights of times that cannot be counted", "times too far apart for the bits"],
)
def test_what_cannot_be_packed_is_compared(columns: dict[str, Any]) -> None:
    assert tallied({name: np.array(column) for name, column in columns.items()}) is None
