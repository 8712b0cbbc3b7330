"""The log-rank family against R, SPSS and Cox's score test, and against itself where nothing should change."""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.hypothesis_test import HypothesisTest, quadratic_form_test
from app.analysis.logrank import Weighting
from app.analysis.multiple_testing import Adjustment, adjusted_p_values
from app.analysis.observations import Observations, observe, strata_in_sequence
from app.analysis.partial_likelihood import partial_likelihood
from app.analysis.risk_sets import risk_sets
from tests.analysis.comparison_samples import logrank_test, trend_test
from tests.references import assert_equal_to_r, blocks, reference, sample
from tests.strategies import Rows, rows, shuffled

RHO_1 = Weighting("fleming-harrington", rho=1)
WEIGHTINGS = {
    "logrank": Weighting("log-rank"),
    "gehan_breslow": Weighting("gehan-breslow"),
    "tarone_ware": Weighting("tarone-ware"),
    "peto_peto": Weighting("peto-peto"),
    "modified_peto_peto": Weighting("modified-peto-peto"),
    "fleming_harrington_1_0": RHO_1,
    "fleming_harrington_0_1": Weighting("fleming-harrington", gamma=1),
    "fleming_harrington_1_1": Weighting("fleming-harrington", rho=1, gamma=1),
    "fleming_harrington_0.5_0.5": Weighting("fleming-harrington", rho=0.5, gamma=0.5),
}

BLOCKS = [
    (name, block["id"])
    for name in ("aml", "lung", "veteran", "ovarian", "kidney", "melanoma", "myeloma", "rhdnase")
    for block in blocks(name, "logrank")
]
of_every_block = pytest.mark.parametrize(("name", "block_id"), BLOCKS)


def block_of(name: str, block_id: str) -> dict[str, Any]:
    return next(block for block in blocks(name, "logrank") if block["id"] == block_id)


BLOCKS_IN_PAIRS = [block for block in BLOCKS if "pairwise" in block_of(*block)]


def sample_of(name: str, block_id: str) -> tuple[Observations, int]:
    """Return the sample of a block and the number of its groups."""
    observations, labels = sample(name, block_of(name, block_id))
    assert labels == block_of(name, block_id)["groups"]
    return observations, len(labels)


def assert_equal_test(test: HypothesisTest, expected: dict[str, Any]) -> None:
    assert test.degrees_of_freedom == expected["df"]
    assert_equal_to_r([test.statistic, test.p_value], [expected["chisq"], expected["p_value"]])


def assert_equal_counts(test: HypothesisTest, expected: dict[str, Any]) -> None:
    assert test.observed is not None
    assert test.expected is not None
    assert_equal_to_r(test.observed, expected["observed"])
    assert_equal_to_r(test.expected, expected["expected"])


@of_every_block
def test_every_weighting(name: str, block_id: str) -> None:
    observations, groups = sample_of(name, block_id)
    tests = block_of(name, block_id)["tests"]
    assert {expected["test"] for expected in tests} == set(WEIGHTINGS)
    for expected in tests:
        test = logrank_test(observations, groups, WEIGHTINGS[expected["test"]])
        assert_equal_test(test, expected)
        assert_equal_counts(test, expected)


@of_every_block
def test_survdiff_itself(name: str, block_id: str) -> None:
    """R has no `survdiff` of samples with entry."""
    observations, groups = sample_of(name, block_id)
    for section, weighting in (("survdiff_rho0", Weighting()), ("survdiff_rho1", RHO_1)):
        expected = block_of(name, block_id).get(section)
        assert (expected is None) == (observations.entry is not None)
        if expected is not None:
            test = logrank_test(observations, groups, weighting)
            assert_equal_test(test, expected)
            assert_equal_counts(test, expected)


@of_every_block
def test_trend(name: str, block_id: str) -> None:
    """Where there are more than two groups."""
    observations, groups = sample_of(name, block_id)
    for entry in block_of(name, block_id)["tests"]:
        assert ("trend" in entry) == (groups > 2)
        if "trend" in entry:
            weighting, scores = WEIGHTINGS[entry["test"]], entry["trend"]["scores"]
            for test in (
                trend_test(observations, groups, weighting=weighting),
                trend_test(observations, groups, scores, weighting),
            ):
                assert_equal_test(test, entry["trend"])
                assert_equal_counts(test, entry)


def pair_tests(name: str, block_id: str, weighting: Weighting) -> list[HypothesisTest]:
    observations, groups = sample_of(name, block_id)
    return [
        logrank_test(observations.select(np.isin(observations.groups, pair)), groups, weighting)
        for pair in combinations(range(groups), 2)
    ]


@pytest.mark.parametrize(("section", "weighting"), [("logrank", Weighting()), ("peto_rho1", RHO_1)])
@pytest.mark.parametrize(("name", "block_id"), BLOCKS_IN_PAIRS)
def test_pairs_of_groups_alone(name: str, block_id: str, section: str, weighting: Weighting) -> None:
    expected = block_of(name, block_id)["pairwise"][section]
    labels = block_of(name, block_id)["groups"]
    assert [(pair["group_1"], pair["group_2"]) for pair in expected] == list(combinations(labels, 2))
    tests = pair_tests(name, block_id, weighting)
    for test, pair in zip(tests, expected, strict=True):
        assert_equal_test(test, pair)
    p_values = np.array([test.p_value for test in tests])
    adjustments: tuple[Adjustment, ...] = ("holm", "bh", "bonferroni")
    for adjustment in adjustments:
        assert_equal_to_r(adjusted_p_values(p_values, adjustment), [pair[f"p_{adjustment}"] for pair in expected])


@pytest.mark.parametrize(
    ("weighting", "statistic"),
    [
        (Weighting("log-rank"), 10.326742),
        (Weighting("gehan-breslow"), 12.472135),
        (Weighting("tarone-ware"), 12.455544),
        (Weighting("peto-peto"), 12.707848),
        (RHO_1, 12.714151),
    ],
)
def test_lung_by_sex(weighting: Weighting, statistic: float) -> None:
    test = logrank_test(*sample_of("lung", "by_group"), weighting)
    assert test.statistic == pytest.approx(statistic, abs=5e-7)
    assert test.degrees_of_freedom == 1


def test_rows_of_a_subject_and_its_replicates_are_counts() -> None:
    """R has the replicated rows; here are the counts of them, each row standing for `weight` subjects."""
    columns = reference("aml")["columns"]
    labels = reference("aml")["column_info"]["group"]["levels"]
    group = [labels.index(label) for label in columns["group"]]
    counted = observe(columns["time"], columns["event"], weight=columns["weight"], group=group)
    for expected in block_of("aml", "by_group_replicated_rows")["tests"]:
        assert_equal_test(logrank_test(counted, 2, WEIGHTINGS[expected["test"]]), expected)


@pytest.mark.parametrize("test_of", [logrank_test, trend_test])
def test_the_statistic_equals_spss(test_of: Callable[[Observations, int], HypothesisTest]) -> None:
    """Of two groups the test for trend is the same."""
    columns, expected = reference("spss31")["columns"], reference("spss31")["expected"]["log_rank"]
    group = [int(label) - 1 for label in columns["group"]]
    test = test_of(observe(columns["time"], columns["event"], group=group), 2)
    np.testing.assert_allclose(test.statistic, expected["statistic"], rtol=1e-9)
    assert test.degrees_of_freedom == expected["degrees_of_freedom"]


GROUPS = 3
weightings = st.sampled_from([*WEIGHTINGS.values()])


def assert_same_test(first: HypothesisTest, second: HypothesisTest) -> None:
    assert first.degrees_of_freedom == second.degrees_of_freedom
    assert first.reason == second.reason
    figures = [np.array([test.statistic, test.p_value]) for test in (first, second)]
    np.testing.assert_allclose(figures[0], figures[1], rtol=1e-8, atol=1e-12)
    assert first.observed is not None
    assert second.observed is not None
    np.testing.assert_allclose(first.observed, second.observed, rtol=1e-9, atol=1e-12)


@given(rows(groups=GROUPS, group=True, stratum=None, cluster=False))
@settings(deadline=None)
def test_the_score_test_of_cox_with_breslow_ties(rows_: Rows) -> None:
    """Entry or not: the same score; without tied deaths the information at 0 is the log-rank covariance."""
    observations = rows_.observe()
    ordered = strata_in_sequence(observations)
    test = logrank_test(observations, GROUPS)
    assert test.observed is not None
    assert test.expected is not None
    if not ordered.event.any():
        return
    indicators = np.eye(GROUPS)[ordered.groups]
    at_zero = partial_likelihood(risk_sets(ordered, "breslow"), indicators, np.zeros(GROUPS))
    np.testing.assert_allclose(at_zero.score, test.observed - test.expected, rtol=1e-9, atol=1e-12)
    deaths = np.unique(ordered.time[ordered.event]).size
    if deaths == ordered.weights[ordered.event].sum():
        score_test = quadratic_form_test("score", at_zero.score, at_zero.information)
        assert score_test.degrees_of_freedom == test.degrees_of_freedom
        np.testing.assert_allclose(score_test.statistic, test.statistic, rtol=1e-8, atol=1e-12)


@given(shuffled(rows(groups=GROUPS, group=True, stratum=None, cluster=False, near_ties=True)), weightings)
@settings(deadline=None)
def test_the_order_of_rows_changes_no_bit(samples: tuple[Rows, Rows], weighting: Weighting) -> None:
    for test_of in (logrank_test, trend_test):
        first, second = (test_of(rows_.observe(), GROUPS, weighting=weighting) for rows_ in samples)
        np.testing.assert_array_equal([first.statistic, first.p_value], [second.statistic, second.p_value])


@given(rows(groups=GROUPS, group=True, stratum=None, cluster=False), weightings, st.permutations(range(GROUPS)))
@settings(deadline=None)
def test_the_codes_of_the_groups_do_not_matter(rows_: Rows, weighting: Weighting, codes: list[int]) -> None:
    renamed = replace(rows_, group=[codes[code] for code in rows_.group or []])
    test, other = (logrank_test(same.observe(), GROUPS, weighting) for same in (rows_, renamed))
    assert other.degrees_of_freedom == test.degrees_of_freedom
    np.testing.assert_allclose(other.statistic, test.statistic, rtol=1e-8, atol=1e-12)
    scores = np.argsort(codes).tolist()
    trend = trend_test(rows_.observe(), GROUPS, weighting=weighting)
    other_trend = trend_test(renamed.observe(), GROUPS, scores, weighting)
    np.testing.assert_allclose(other_trend.statistic, trend.statistic, rtol=1e-8, atol=1e-12)


@given(rows(groups=GROUPS, group=True, stratum=None, cluster=False, weight=True), weightings)
@settings(deadline=None)
def test_weights_are_replicated_rows(rows_: Rows, weighting: Weighting) -> None:
    assert_same_test(*(logrank_test(same.observe(), GROUPS, weighting) for same in (rows_, rows_.replicated())))


@given(rows(groups=GROUPS, group=True, stratum=None, cluster=False, entry=True), weightings)
@settings(deadline=None)
def test_follow_up_cut_in_two_is_the_same(rows_: Rows, weighting: Weighting) -> None:
    assert_same_test(*(logrank_test(same.observe(), GROUPS, weighting) for same in (rows_, rows_.cut_in_two())))


@given(rows(groups=GROUPS, group=True, cluster=False), weightings)
@settings(deadline=None)
def test_the_same_again_in_another_stratum_is_twice_the_evidence(rows_: Rows, weighting: Weighting) -> None:
    test = logrank_test(rows_.observe(), GROUPS, weighting)
    twice = replace(rows_.take([*range(rows_.size)] * 2), stratum=[1] * rows_.size + [0] * rows_.size)
    both = logrank_test(twice.observe(), GROUPS, weighting)
    assert both.degrees_of_freedom == test.degrees_of_freedom
    np.testing.assert_allclose(both.statistic, 2 * test.statistic, rtol=1e-8, atol=1e-12)


@given(rows(groups=GROUPS, group=True, stratum=None, cluster=False), weightings, st.sampled_from([-1e200, 1e-3, 7.0]))
@settings(deadline=None)
def test_origin_and_unit_of_scores_do_not_matter(rows_: Rows, weighting: Weighting, unit: float) -> None:
    test = trend_test(rows_.observe(), GROUPS, weighting=weighting)
    other = trend_test(rows_.observe(), GROUPS, [unit * score for score in (10, 11, 12)], weighting)
    np.testing.assert_allclose(other.statistic, test.statistic, rtol=1e-8, atol=1e-12)


@given(rows(groups=2, group=True, stratum=None, cluster=False), weightings)
@settings(deadline=None)
def test_the_trend_of_two_groups_is_their_difference(rows_: Rows, weighting: Weighting) -> None:
    test, trend = (test_of(rows_.observe(), 2, weighting=weighting) for test_of in (logrank_test, trend_test))
    assert trend.degrees_of_freedom == test.degrees_of_freedom
    np.testing.assert_allclose(trend.statistic, test.statistic, rtol=1e-8, atol=1e-12)
