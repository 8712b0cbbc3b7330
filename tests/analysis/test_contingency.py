"""Tests on tables: by hand, by enumeration of every table, and against R."""

from collections.abc import Iterator
from fractions import Fraction
from math import comb, factorial, nan, prod
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.analysis import contingency
from app.analysis.contingency import chi_squared_test, fisher_test
from app.analysis.errors import InvalidObservationsError
from tests.references import assert_equal_to_r, blocks

Table = list[list[int]]

R_TABLES = blocks("proportions", "tables")


# By hand


def test_chi_squared_by_hand() -> None:
    """Expected are 2 in every cell: 4 (1/2)."""
    result = chi_squared_test([[3, 1], [1, 3]])
    assert (result.name, result.statistic, result.degrees_of_freedom) == ("chi-squared", 2.0, 1)
    assert result.p_value == pytest.approx(0.15729920705028513, rel=1e-12)


def test_fisher_of_the_lady_tasting_tea() -> None:
    """Of 70 selections 1 + 16 + 16 + 1 are no more probable than 3 right of 4: both tails count."""
    result = fisher_test([[3, 1], [1, 3]])
    assert (result.name, result.degrees_of_freedom, result.reason) == ("fisher", 0, None)
    assert np.isnan(result.statistic)
    assert result.p_value == pytest.approx(34 / 70, rel=1e-12)


def test_fisher_by_hand_with_three_groups() -> None:
    """2 of 4 units in groups of 2, 1, 1: the 6 selections are once (2, 0, 0) and (0, 1, 1), twice each other way."""
    assert fisher_test([[2, 0], [0, 1], [0, 1]]).p_value == pytest.approx(2 / 6, rel=1e-12)
    assert fisher_test([[1, 1], [1, 0], [0, 1]]).p_value == 1
    assert fisher_test([[43, 0], [8, 1], [11, 1]]).p_value == 210 / 2016  # in whole numbers, so to the last bit


def test_fisher_of_the_founding_papers_recurrences_by_size() -> None:
    """4 of 43, 0 of 9, 1 of 12 is the most probable table with these margins."""
    assert fisher_test([[4, 39], [0, 9], [1, 11]]).p_value == pytest.approx(1, rel=1e-12)
    assert chi_squared_test([[4, 39], [0, 9], [1, 11]]).p_value == pytest.approx(0.638, abs=5e-4)


def test_fisher_of_the_published_job_satisfaction_table() -> None:
    """Agresti, Categorical Data Analysis (2002), p. 57; the P of R's documentation."""
    table = [[1, 2, 1, 0], [3, 3, 6, 1], [10, 10, 14, 9], [6, 7, 12, 11]]
    assert round(fisher_test(table).p_value, 4) == 0.7827


# Edges


def test_empty_rows_and_columns_drop_out() -> None:
    table, padded = [[3, 5, 2], [4, 1, 6]], [[3, 0, 5, 2], [0, 0, 0, 0], [4, 0, 1, 6]]
    assert chi_squared_test(padded) == chi_squared_test(table)
    assert chi_squared_test(padded).degrees_of_freedom == 2
    assert fisher_test(padded).p_value == fisher_test(table).p_value


@pytest.mark.parametrize("table", [[[3, 5]], [[3, 5], [0, 0]], [[3, 0], [5, 0]], [[0, 0], [0, 0]], [[3], [5]]])
def test_chi_squared_needs_two_groups_and_two_outcomes(table: Table) -> None:
    result = chi_squared_test(table)
    assert np.isnan([result.statistic, result.p_value]).all()
    assert result.degrees_of_freedom == 0
    assert result.reason is not None


@pytest.mark.parametrize("table", [[[3, 5]], [[3, 5], [0, 0]], [[0, 0], [0, 0]]])
def test_fisher_needs_two_groups(table: Table) -> None:
    result = fisher_test(table)
    assert np.isnan(result.p_value)
    assert result.reason == "fewer than 2 groups have any units"


@pytest.mark.parametrize("table", [[[0, 5], [0, 7]], [[5, 0], [7, 0], [2, 0]], [[5], [7_000_000]]])
def test_fisher_is_1_where_all_have_the_same_outcome(table: Table) -> None:
    """No other table has these margins; R says so, too."""
    result = fisher_test(table)
    assert (result.p_value, result.reason) == (1.0, None)


@pytest.mark.parametrize(
    "table", [[1, 2], [[[1]]], [[-1, 2], [3, 4]], [[1.5, 2], [3, 4]], [[nan, 2], [3, 4]], [[1e300, 2], [3, 4]]]
)
def test_what_is_no_table_of_counts_is_refused(table: list[Any]) -> None:
    for test in (chi_squared_test, fisher_test):
        with pytest.raises(InvalidObservationsError, match="whole numbers"):
            test(table)


def test_tables_are_not_changed() -> None:
    table = np.array([[1, 9], [8, 2], [0, 0]])
    fisher_test(table)
    chi_squared_test(table)
    np.testing.assert_array_equal(table, [[1, 9], [8, 2], [0, 0]])


@pytest.mark.parametrize(
    "table",
    [
        [[600_000, 1], [400_000, 1]],
        [[1, 1]] * 1_001,
        [[1] * 25] * 25,
        [[300, 300, 300]] * 3,
        [[50 + row, 50 - row] for row in range(-20, 20)],
        [[250] * 4] * 4,
    ],
    ids=["units", "rows", "columns", "ways-3x3", "ways-40x2", "ways-4x4"],
)
def test_fisher_gives_up_with_a_reason(table: Table) -> None:
    result = fisher_test(table)
    assert np.isnan(result.p_value)
    assert result.reason is not None
    assert "too many tables" in result.reason


@pytest.mark.parametrize(
    "table",
    [
        [[2_000, 2_400], [1_900, 2_500]],
        [[300, 700], [340, 660], [310, 690]],
        [[place % 3, 100 - place % 3] for place in range(30)],
        [[int(place in (3, 11, 12, 20, 28)), 60 + 3 * place] for place in range(30)],
        [[3 + place, 97 - 2 * place] for place in range(6)],
    ],
    ids=["2x2", "3x2", "30-equal-rows", "30-unequal-rows", "6-unequal-rows"],
)
def test_fisher_answers_tables_of_thousands(table: Table) -> None:
    result = fisher_test(table)
    assert result.reason is None
    assert 0 < result.p_value <= 1


# Literal implementations


def tables_with_margins(rows: list[int], columns: list[int]) -> Iterator[Table]:
    """Yield every table with these margins."""
    if len(rows) == 1:
        yield [columns]
        return
    for row in fillings(rows[0], columns):
        left = [column - count for column, count in zip(columns, row, strict=True)]
        for rest in tables_with_margins(rows[1:], left):
            yield [row, *rest]


def fillings(size: int, columns: list[int]) -> Iterator[list[int]]:
    """Yield every way to take `size` units from the columns."""
    if len(columns) == 1:
        if size <= columns[0]:
            yield [size]
        return
    for count in range(min(size, columns[0]) + 1):
        for rest in fillings(size - count, columns[1:]):
            yield [count, *rest]


def probability(table: Table) -> Fraction:
    """Return the probability of a table given its margins, in whole numbers."""
    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    margins = prod(factorial(margin) for margin in [*rows, *columns])
    return Fraction(margins, factorial(sum(rows)) * prod(factorial(count) for row in table for count in row))


def literal_fisher(table: Table) -> float:
    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    observed = probability(table)
    return float(sum(p for p in map(probability, tables_with_margins(rows, columns)) if p <= observed))


@st.composite
def small_tables(draw: st.DrawFn) -> Table:
    """Tables of up to 5 x 2, 3 x 3 or 2 x 5 with few enough units to enumerate."""
    rows, columns, most = draw(st.sampled_from([(2, 2, 12), (3, 2, 9), (4, 2, 5), (5, 2, 3), (3, 3, 3), (2, 5, 3)]))
    return [[draw(st.integers(0, most)) for _ in range(columns)] for _ in range(rows)]


@given(small_tables(), st.sampled_from([0, contingency.COUNTED]))
@settings(deadline=None, max_examples=160)
def test_fisher_by_network_and_by_counting_equals_the_enumeration(table: Table, counted: int) -> None:
    assume(sum(any(row) for row in table) >= 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contingency, "COUNTED", counted)
        assert fisher_test(table).p_value == pytest.approx(literal_fisher(table), rel=1e-9)


@pytest.mark.parametrize(
    "table",
    [
        [[1, 9], [8, 2], [0, 11], [4, 4]],
        [[5, 0, 1], [0, 4, 1], [2, 2, 3]],
        [[0, 6], [6, 0], [3, 3]],
        [[2, 1, 0, 1], [0, 2, 3, 0], [1, 0, 1, 2]],
        [[1, 1, 2], [3, 0, 0], [0, 2, 1], [1, 0, 2]],
    ],
)
def test_fisher_equals_the_enumeration_of_larger_tables(table: Table) -> None:
    assert fisher_test(table).p_value == pytest.approx(literal_fisher(table), rel=1e-9)


@pytest.mark.parametrize(
    ("successes", "totals"), [((500, 470), (1_100, 1_100)), ((3, 40), (5_000, 9_000)), ((0, 400), (400, 900))]
)
def test_fisher_of_two_large_groups_counts_selections(successes: tuple[int, int], totals: tuple[int, int]) -> None:
    """P is the share of the selections, counted in whole numbers."""
    events = sum(successes)
    ways = [comb(totals[0], x) * comb(totals[1], events - x) for x in range(events + 1)]
    few = sum(way for way in ways if way <= ways[successes[0]])
    result = fisher_test([[x, n - x] for x, n in zip(successes, totals, strict=True)])
    assert result.p_value == pytest.approx(float(Fraction(few, sum(ways))), rel=1e-9)


@pytest.mark.parametrize(
    "table",
    [
        [[20, 80], [31, 69], [40, 60], [25, 75]],
        [[1, 99], [3, 97], [2, 78], [9, 91]],
        [[60, 1], [1, 60], [60, 2], [30, 31]],
    ],
)
def test_fisher_of_four_groups_equals_the_full_grid_of_tables(table: Table) -> None:
    """All x1, x2, x3 at once; x4 is what is left."""
    sizes, events = [sum(row) for row in table], sum(row[0] for row in table)
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1.0, sum(sizes) + 1)))))
    grid = np.indices([size + 1 for size in sizes[:3]]).reshape(3, -1)
    last = events - grid.sum(axis=0)
    cells = np.vstack((grid, last))[:, (last >= 0) & (last <= sizes[3])]
    log_ways = sum(logs[n] - logs[x] - logs[n - x] for n, x in zip(sizes, cells, strict=True))
    assert isinstance(log_ways, np.ndarray)
    observed = sum(logs[x + y] - logs[x] - logs[y] for x, y in table)
    ways = np.exp(log_ways - log_ways.max())
    expected = ways[log_ways <= observed + 1e-7].sum() / ways.sum()
    assert fisher_test(table).p_value == pytest.approx(expected, rel=1e-9)


@given(st.integers(2, 4), st.integers(2, 4), st.data())
@settings(deadline=None, max_examples=50)
def test_chi_squared_equals_the_sum_over_cells(rows: int, columns: int, data: st.DataObject) -> None:
    table = [[data.draw(st.integers(0, 20)) for _ in range(columns)] for _ in range(rows)]
    row_totals = [sum(row) for row in table]
    column_totals = [sum(column) for column in zip(*table, strict=True)]
    assume(sum(map(bool, row_totals)) >= 2 and sum(map(bool, column_totals)) >= 2)
    statistic = Fraction(0)
    for row, row_total in zip(table, row_totals, strict=True):
        for count, column_total in zip(row, column_totals, strict=True):
            if row_total and column_total:
                expected = Fraction(row_total * column_total, sum(row_totals))
                statistic += (count - expected) ** 2 / expected
    assert chi_squared_test(table).statistic == pytest.approx(float(statistic), rel=1e-9, abs=1e-12)


# Properties


@given(small_tables(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_order_of_rows_and_columns_and_their_exchange_change_nothing(table: Table, random: Any) -> None:
    counts = np.array(table)
    assume((counts.sum(axis=0) > 0).sum() >= 2)
    assume((counts.sum(axis=1) > 0).sum() >= 2)
    rows, columns = (random.sample(range(size), size) for size in counts.shape)
    shuffled = counts[rows][:, columns]
    for test in (chi_squared_test, fisher_test):
        p_value = test(table).p_value
        assert test(shuffled).p_value == pytest.approx(p_value, rel=1e-9)
        assert test(shuffled.T).p_value == pytest.approx(p_value, rel=1e-9)


@given(small_tables())
@settings(deadline=None, max_examples=50)
def test_fisher_is_at_least_the_probability_of_the_table_itself(table: Table) -> None:
    assume(sum(any(row) for row in table) >= 2)
    p_value = fisher_test(table).p_value
    assert float(probability(table)) * (1 - 1e-9) <= p_value <= 1


# R's figures


@pytest.mark.parametrize("block", R_TABLES, ids=lambda block: block["id"])
def test_chi_squared_equals_chisq_test(block: dict[str, Any]) -> None:
    result = chi_squared_test(block["table"])
    assert result.degrees_of_freedom == block["chisq"]["df"]
    assert_equal_to_r([result.statistic, result.p_value], [block["chisq"]["statistic"], block["chisq"]["p_value"]])


@pytest.mark.parametrize("block", R_TABLES, ids=lambda block: block["id"])
def test_fisher_equals_fisher_test(block: dict[str, Any]) -> None:
    assert_equal_to_r(fisher_test(block["table"]).p_value, block["fisher"]["p_value"], atol=0)
