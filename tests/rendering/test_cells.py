"""Cells of tables: figures as they are printed, and what stands where one does not exist."""

import math

from app.analysis.hazard_ratios import HazardRatio
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.proportions import ClusterAdjusted, Proportion
from app.analysis.quantiles import Quantile
from app.analysis.restricted_mean import RestrictedMean
from app.rendering import cells
from app.rendering.cells import hazard_ratio_cells, mean_cell, proportion_cells, quantile_cell
from app.rendering.document import Cell

NAN = math.nan


def test_a_proportion_of_one_cluster_has_no_clustered_limits() -> None:
    found = Proportion(1, 2, 0.5, 0.1, 0.9, "wilson", ClusterAdjusted(NAN, NAN, NAN, NAN, 1))
    assert proportion_cells(found) == [
        Cell("1/2 (50.0 %)"),
        Cell("10.0 to 90.0"),
        Cell("not estimable", "fewer than 2 patients"),
    ]


def test_a_median_may_lack_any_of_its_figures() -> None:
    assert quantile_cell(Quantile(0.5, 31.46, 2.04, 20, NAN)).text == "31.5 ± 2.0 (20.0 to not reached)"
    assert quantile_cell(Quantile(0.5, 31, NAN, NAN, NAN)).text == "31.0 (not estimable)"
    assert quantile_cell(Quantile(0.5, NAN, NAN, 20, NAN, "why")) == Cell("not reached (20.0 to not reached)", "why")
    assert quantile_cell(Quantile(0.5, NAN, NAN, NAN, NAN, "why")) == Cell("not reached", "why")


def test_a_mean_may_lack_its_error_or_all() -> None:
    assert mean_cell(RestrictedMean(50, 38.72, 6.74, 25.5, 51.9)) == Cell("38.7 ± 6.7 (25.5 to 51.9)")
    assert mean_cell(RestrictedMean(50, 38.72, NAN, NAN, NAN, "why")) == Cell("38.7 (not estimable)", "why")
    assert mean_cell(RestrictedMean(50, NAN, NAN, NAN, NAN, "why")) == Cell("not estimable", "why")


def test_an_exact_test_has_no_statistic() -> None:
    fisher = HypothesisTest("fisher", NAN, 0, 0.0004)
    assert [cell.text for cell in cells.test_cells(fisher)] == ["Fisher's exact test", "exact", "-", "< 0.001"]
    without = HypothesisTest("chi-squared", NAN, 0, NAN, reason="why")
    assert cells.test_cells(without)[1:] == [Cell("-"), Cell("-"), Cell("not estimable", "why")]
    assert [cell.text for cell in cells.test_cells(HypothesisTest("gray", 2.845, 2, 0.242))][1:] == [
        "2.85",
        "2",
        "0.242",
    ]


def test_a_hazard_ratio_that_does_not_exist_says_why() -> None:
    assert hazard_ratio_cells(HazardRatio(1, 0, NAN, NAN, NAN, NAN, "why")) == [Cell("not estimable", "why")] * 2
    found = hazard_ratio_cells(HazardRatio(1, 0, 2.498, 0.92, 6.81, 0.0653))
    assert found == [Cell("2.50 (0.92 to 6.81)"), Cell("0.065")]
