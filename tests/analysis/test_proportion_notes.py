"""What is said aloud about proportions, and by which methods they came."""

import numpy as np
import pytest

from app.analysis.proportion_notes import proportion_methods, proportion_warnings, smallest_expected
from app.analysis.success_rates import TableOptions, TableTest, summarize_counts, summarize_units

CHI_SQUARED: tuple[TableTest, ...] = ("chi-squared",)


def warnings(*counts: tuple[int, int], tests: tuple[TableTest, ...] = CHI_SQUARED) -> dict[str, str]:
    rates = summarize_counts(counts, TableOptions(tests=tests))
    return {one.code: one.detail for one in proportion_warnings(rates, "abc"[: len(counts)], tests)}


@pytest.mark.parametrize(
    "counts",
    [
        [(40, 50), (30, 50)],
        [(5, 10), (5, 10)],  # 5 are expected of each
        [(0, 43), (0, 9)],  # one outcome alone
        [(3, 4)],
    ],
)
def test_nothing_is_said(counts: list[tuple[int, int]]) -> None:
    assert warnings(*counts) == {}


def test_of_small_expected_counts_and_of_groups_without_units() -> None:
    found = warnings((4, 43), (0, 9), (0, 0))
    assert list(found) == ["empty_group", "small_expected_counts"]
    assert found["empty_group"].endswith("left out of tests: c.")
    assert "fewer than 5 units" in found["small_expected_counts"]
    assert warnings((4, 43), (0, 9), tests=("fisher",)) == {}
    assert list(warnings((3, 4), (0, 0))) == ["empty_group"]


def test_the_smallest_expected_count_is_of_the_smaller_group_and_the_rarer_outcome() -> None:
    """Of 20 units 9 failed: 4.5 are expected of 10."""
    assert smallest_expected(summarize_counts([(8, 10), (3, 10), (0, 0)], TableOptions()).groups) == 4.5
    assert smallest_expected(summarize_counts([(0, 0)], TableOptions()).groups) == 0


@pytest.mark.parametrize(("clusters", "codes"), [(19, ["few_clusters"]), (20, [])])
def test_of_few_clusters(clusters: int, codes: list[str]) -> None:
    rates = summarize_units(np.arange(40) % 3 > 0, TableOptions(), cluster=np.arange(40) % clusters)
    assert [one.code for one in proportion_warnings(rates, [], ["fisher"])] == codes


def test_of_tests_that_do_not_know_of_clusters() -> None:
    rows = np.arange(80)
    rates = summarize_units(rows % 3 > 0, TableOptions(), group=rows % 2, cluster=rows // 2)
    (found,) = proportion_warnings(rates, ["a", "b"], ["fisher", "trend"])
    assert found.code == "rows_as_independent"
    assert found.detail.endswith(": fisher, trend.")
    assert proportion_warnings(rates, ["a", "b"], []) == []


def test_methods_say_what_was_done() -> None:
    plain = TableOptions(interval="wald", tests=())
    of_proportions, of_differences = proportion_methods(summarize_counts([(3, 4), (1, 4)], plain), plain)
    assert "normal approximation" in of_proportions
    assert "normal approximation" in of_differences
    asked = TableOptions(tests=("fisher", "trend"))
    clustered = summarize_units(np.arange(8) < 3, asked, group=np.arange(8) % 2, cluster=np.arange(8) // 2)
    sentences = " ".join(proportion_methods(clustered, asked))
    words = ("Wilson", "Taylor", "Fisher", "Armitage", "Boos", "Newcombe", "Zou")
    assert [word for word in words if word not in sentences] == []
    assert len([*proportion_methods(summarize_counts([(3, 4)], asked), asked)]) == 1
