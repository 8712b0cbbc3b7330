"""Groups compared: which tests, of which pairs, up to which horizon; by hand and against R."""

from dataclasses import asdict, replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from app.analysis.comparison import (
    Comparison,
    ComparisonOptions,
    MaxCombo,
    Pair,
    PairDifference,
    SurvivalTest,
    Trend,
    run_test,
)
from app.analysis.conventions import CONVENTIONS, ConventionName
from app.analysis.event_times import event_times
from app.analysis.hazard_ratios import robust_score_test
from app.analysis.logrank import SAMPLING_REASON, Weighting
from app.analysis.observations import observe
from app.analysis.survival import SurvivalOptions
from tests.analysis.comparison_samples import (
    FILES,
    PAIRED,
    THREE,
    TWO,
    WEIGHTED,
    R,
    codes,
    compared,
    logrank_test,
    max_combo_test,
    trend_test,
)
from tests.analysis.cox_samples import group_hazard_ratios, proportional
from tests.references import blocks, numbers, sample
from tests.strategies import Rows, rows, shuffled


def block_of(name: str, section: str, of: str) -> dict[str, Any]:
    return next(block for block in blocks(name, section) if block["id"] == of)


class TestTests:
    def test_the_log_rank_test_is_the_default(self) -> None:
        assert [test.name for test in compared(TWO).tests] == ["log-rank"]
        np.testing.assert_equal(compared(TWO).tests[0].statistic, logrank_test(TWO, 2).statistic)

    def test_run_in_the_order_asked_for(self) -> None:
        tests = (MaxCombo(), Weighting("peto-peto"), Trend((1, 5)), Weighting())
        found = compared(TWO, comparison=ComparisonOptions(tests)).tests
        assert [test.name for test in found] == ["max-combo", "peto-peto", "trend", "log-rank"]

    def test_may_be_none(self) -> None:
        assert compared(TWO, comparison=ComparisonOptions(())).tests == []

    def test_are_run_with_what_they_ask_for(self) -> None:
        weighting = Weighting("fleming-harrington", 1, 0.5)
        assert run_test(weighting, event_times(THREE, 3)).statistic == logrank_test(THREE, 3, weighting).statistic
        assert run_test(Trend((1, 2, 9)), event_times(THREE, 3)).statistic == trend_test(THREE, 3, (1, 2, 9)).statistic
        assert run_test(Trend(), event_times(THREE, 3)).statistic == trend_test(THREE, 3).statistic
        assert run_test(MaxCombo(), event_times(TWO, 2)).statistic == max_combo_test(TWO, 2).statistic

    @pytest.mark.parametrize(("tests", "names"), [((), []), ((Trend(), Weighting()), ["trend", "log-rank"])])
    def test_clusters_bring_the_robust_score_test_last(self, tests: tuple[SurvivalTest, ...], names: list[str]) -> None:
        *others, last = compared(PAIRED, comparison=ComparisonOptions(tests)).tests
        assert [test.name for test in others] == names
        assert (last.name, last.statistic) == ("robust-score", robust_score_test(PAIRED, 2).statistic)

    def test_sampling_weights_bring_it_too_and_leave_no_other(self) -> None:
        log_rank, robust = compared(WEIGHTED).tests
        assert np.isnan([log_rank.statistic, log_rank.p_value]).all()
        assert log_rank.reason == SAMPLING_REASON
        assert (robust.name, robust.reason) == ("robust-score", None)

    def test_of_one_cause_take_the_events_of_others_as_censorings(self) -> None:
        observations = observe([2, 4, 6, 7], [1, 2, 0, 1], group=[0, 1, 1, 0])
        found = compared(observations, cause=1)
        (test,) = found.tests
        assert test.observed is not None
        np.testing.assert_array_equal(test.observed, [2, 0])
        assert found.hazard_ratios[0].reason == "the group has no events"
        assert found.restricted_mean_differences[0].compared.difference == pytest.approx(4 - 6)


class TestStrata:
    def test_are_counted(self) -> None:
        assert compared(TWO).strata == 1
        assert compared(replace(TWO, stratum=np.array([0, 0, 3, 3, 3, 1, 1, 1]))).strata == 3

    def test_adjust_all_but_restricted_means(self) -> None:
        """The groups of a stratum alone: at 1, 2 and at 3, 4 one of two dies; one score of 1/2 each, variance 1/4."""
        stratified = observe([1, 2, 3, 4], [True] * 4, group=[0, 1, 0, 1], stratum=[0, 0, 1, 1])
        found = compared(stratified, comparison=ComparisonOptions(pairwise="none"))
        assert found.tests[0].statistic == pytest.approx((1 / 2 + 1 / 2) ** 2 / (1 / 4 + 1 / 4))
        assert found.pairwise[0].test.statistic == found.tests[0].statistic
        assert found.hazard_ratios == group_hazard_ratios(stratified, 2)
        plain = compared(replace(stratified, stratum=None))
        assert found.restricted_mean_differences == plain.restricted_mean_differences
        assert found.tests[0].statistic != plain.tests[0].statistic


class TestRestrictedMeans:
    def test_are_compared_up_to_the_shortest_of_the_follow_ups(self) -> None:
        observations = observe([3, 7, 4, 9], [True] * 4, group=[0, 0, 1, 1])
        (found,) = compared(observations).restricted_mean_differences
        assert (found.pair, found.horizon, found.reason) == (Pair(0, 1), 7, None)
        assert found.compared.difference == (3 + 7) / 2 - (4 + 7) / 2
        assert found.compared.ratio == pytest.approx(5 / 5.5)

    def test_or_up_to_the_horizon_asked_for(self) -> None:
        observations = observe([3, 7, 4, 9], [True] * 4, group=[0, 0, 1, 1])
        (found,) = compared(observations, options=replace(R, horizon=6)).restricted_mean_differences
        assert (found.horizon, found.compared.difference) == (6, (3 + 6) / 2 - (4 + 6) / 2)

    def test_of_every_pair_the_shortest_of_all_follow_ups_counts(self) -> None:
        found = compared(THREE, 3).restricted_mean_differences
        assert codes(found) == [(0, 1), (0, 2), (1, 2)]
        assert {one.horizon for one in found} == {10}

    @pytest.mark.parametrize("name", CONVENTIONS)
    def test_a_curve_that_ends_before_the_horizon_has_none_unless_carried_forward(self, name: ConventionName) -> None:
        """Group 0 ends alive at 4; the others are known at 6."""
        observations = observe([1, 4, 2, 6, 3, 7], [1, 0, 1, 1, 1, 0], group=[0, 0, 1, 1, 2, 2])
        options = SurvivalOptions(CONVENTIONS[name], horizon=6)
        first, second, third = compared(observations, 3, options=options).restricted_mean_differences
        assert third.compared.difference == pytest.approx((2 + 6) / 2 - (3 + 6) / 2)
        for one in (first, second):
            if name == "r":
                assert one.reason is None
                assert np.isfinite(one.compared.difference)
            else:
                assert np.isnan([one.compared.difference, one.compared.ratio, one.compared.p_value]).all()
                assert one.reason == "the horizon lies beyond the last follow-up, where survival is not known"

    def test_the_reason_may_be_that_of_the_second(self) -> None:
        observations = observe([2, 6, 1, 4], [1, 1, 1, 0], group=[0, 0, 1, 1])
        options = SurvivalOptions(CONVENTIONS["sas"], horizon=6)
        (found,) = compared(observations, options=options).restricted_mean_differences
        assert found.reason == "the horizon lies beyond the last follow-up, where survival is not known"

    def test_groups_that_end_at_the_origin_have_none(self) -> None:
        assert compared(observe([0, 5], [True, True], group=[0, 1])).restricted_mean_differences == []

    def test_nor_have_groups_that_end_at_the_start(self) -> None:
        followed = observe([2, 3, 1, 5], [True] * 4, group=[0, 0, 1, 1]).since(3)
        assert compared(followed).restricted_mean_differences == []
        earlier = observe([2, 4, 1, 5], [True] * 4, group=[0, 0, 1, 1]).since(3)
        (found,) = compared(earlier).restricted_mean_differences
        assert (found.horizon, found.compared.difference) == (4, 0)

    @pytest.mark.parametrize("clustered", [False, True])
    @pytest.mark.parametrize("smallest", [5e-324, 1e-310])
    def test_times_as_small_as_numbers_can_be_give_no_warning(self, smallest: float, clustered: bool) -> None:
        """Warnings are errors here: the ratio of means does not overflow."""
        cluster = range(6) if clustered else None
        observations = observe([smallest] * 6, [1, 1, 0, 1, 0, 0], group=[0, 0, 0, 1, 1, 1], cluster=cluster)
        (found,) = compared(observations).restricted_mean_differences
        assert found.compared.ratio == 1

    @pytest.mark.parametrize(
        ("name", "block"),
        [pytest.param(name, block, id=f"{name}-{block['id']}") for name in FILES for block in blocks(name, "rmst")],
    )
    def test_differences_and_ratios_equal_r(self, name: str, block: dict[str, Any]) -> None:
        """R compares the second group with the first: its difference is ours with the other sign."""
        observations, labels = sample(name, block)
        options = replace(R, horizon=block["inputs"]["tau"])
        found = {
            (labels[one.pair.second], labels[one.pair.first]): one.compared
            for one in compared(observations, len(labels), options=options).restricted_mean_differences
        }
        for r in block["comparisons"]:
            one = found.pop((r["comparison"], r["reference"]))
            difference, ratio = r["difference"], r["ratio"]
            np.testing.assert_allclose(
                [-one.difference, one.standard_error, -one.upper, -one.lower, one.p_value],
                [difference[key] for key in ("estimate", "std_err", "lower", "upper", "p_value")],
                rtol=1e-9,
            )
            np.testing.assert_allclose(
                [1 / one.ratio, 1 / one.ratio_upper, 1 / one.ratio_lower],
                [ratio[key] for key in ("estimate", "lower", "upper")],
                rtol=1e-9,
            )
        assert all(second not in {r["reference"] for r in block["comparisons"]} for _, second in found)


class TestHazards:
    @pytest.mark.parametrize(("name", "ties"), [("r", "efron"), ("spss", "breslow")])
    def test_hazard_ratios_treat_ties_by_the_convention(self, name: ConventionName, ties: str) -> None:
        observations, labels = sample("lung", block_of("lung", "logrank", "by_group"))
        found = compared(observations, len(labels), options=SurvivalOptions(CONVENTIONS[name]))
        expected = {"efron": -0.5310235, "breslow": -0.5303966}[ties]
        assert found.hazard_ratios[0].hazard_ratio == pytest.approx(np.exp(expected), abs=1e-7)

    def test_every_group_but_the_first_has_a_hazard_ratio_of_the_level_asked_for(self) -> None:
        observations, labels = sample("veteran", block_of("veteran", "km", "by_celltype"))
        wide, narrow = (
            compared(observations, len(labels), options=replace(R, confidence_level=level)).hazard_ratios
            for level in (0.95, 0.5)
        )
        assert [ratio.group for ratio in wide] == [1, 2, 3]
        assert np.isfinite(numbers([ratio.hazard_ratio for ratio in wide])).all()
        for one, other in zip(wide, narrow, strict=True):
            assert one.lower < other.lower < other.hazard_ratio == one.hazard_ratio < other.upper < one.upper

    @pytest.mark.parametrize("name", CONVENTIONS)
    def test_whether_they_are_proportional_is_tested_with_the_same_ties(self, name: ConventionName) -> None:
        observations, labels = sample("veteran", block_of("veteran", "km", "by_celltype"))
        convention = CONVENTIONS[name]
        found = compared(observations, len(labels), options=SurvivalOptions(convention)).proportional
        assert found == proportional(observations, len(labels), ties=convention.ties)
        assert found.p_value < 0.05

    def test_without_hazard_ratios_they_are_neither(self) -> None:
        found = compared(observe([1, 2, 3], [False] * 3, group=[0, 1, 1])).proportional
        assert np.isnan(found.p_value)
        assert found.reason == "no group has a hazard ratio"


EVERYTHING = ComparisonOptions((Weighting(), Weighting("tarone-ware"), Trend(), MaxCombo()), "holm")


def figures(found: Comparison) -> list[Any]:
    tests = [*found.tests, *(one.test for one in found.pairwise), found.proportional]
    return [
        found.strata,
        [(test.statistic, test.p_value, test.reason) for test in tests],
        [one.adjusted_p_value for one in found.pairwise],
        [asdict(difference) for difference in found.restricted_mean_differences],
        [asdict(ratio) for ratio in found.hazard_ratios],
    ]


@given(shuffled(rows(group=True, stratum=None, near_ties=True, max_size=12)))
@settings(deadline=None, max_examples=50)
def test_whatever_is_compared_the_order_of_rows_changes_no_bit(samples: tuple[Rows, Rows]) -> None:
    one, other = (compared(each.observe(), each.groups, EVERYTHING) for each in samples)
    np.testing.assert_equal(figures(one), figures(other))


@given(rows(group=True, stratum=None, max_size=12))
@settings(deadline=None, max_examples=50)
def test_whatever_is_compared_there_is_one_of_each_pair(sample: Rows) -> None:
    found = compared(sample.observe(), sample.groups, EVERYTHING)
    assert codes(found.pairwise) == list(combinations(range(sample.groups), 2))
    assert codes(found.restricted_mean_differences) in ([], codes(found.pairwise))
    assert all(isinstance(one, PairDifference) for one in found.restricted_mean_differences)
    for one in found.pairwise:
        assert np.isnan(one.test.p_value) == (one.test.reason is not None) == np.isnan(one.adjusted_p_value)
