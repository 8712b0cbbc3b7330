"""Pairs of groups compared: by which test, and with which p values; by hand and against R."""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest

from app.analysis.comparison import ComparisonOptions, MaxCombo, SurvivalTest, Trend, pairwise_test, run_test
from app.analysis.event_times import event_times
from app.analysis.hazard_ratios import robust_score_test
from app.analysis.logrank import Weighting
from app.analysis.multiple_testing import Adjustment, adjusted_p_values
from app.analysis.observations import Observations, observe
from tests.analysis.comparison_samples import FILES, PAIRED, THREE, WEIGHTED, codes, compared
from tests.references import blocks, sample


def test_none_are_compared_unless_asked_for() -> None:
    assert compared(THREE, 3).pairwise == []


@pytest.mark.parametrize(
    ("tests", "used"),
    [
        ((), Weighting()),
        ((Weighting("peto-peto"), Weighting()), Weighting("peto-peto")),
        ((Weighting("fleming-harrington", 1, 2),), Weighting("fleming-harrington", 1, 2)),
        ((Trend((1, 2, 5)), MaxCombo()), Weighting()),
        ((MaxCombo(), Weighting()), MaxCombo()),
    ],
)
def test_the_first_test_asked_for_compares_each_pair_alone(tests: tuple[SurvivalTest, ...], used: SurvivalTest) -> None:
    comparison = ComparisonOptions(tests, "holm")
    assert pairwise_test(THREE, comparison) == used
    found = compared(THREE, 3, comparison).pairwise
    assert codes(found) == [(0, 1), (0, 2), (1, 2)]
    for one in found:
        chosen = (one.pair.first, one.pair.second)
        alone = THREE.select(np.isin(THREE.groups, chosen))
        expected = run_test(used, event_times(replace(alone, group=np.searchsorted(chosen, alone.groups)), 2))
        assert (one.test.name, one.test.statistic) == (expected.name, expected.statistic)


@pytest.mark.parametrize("observations", [PAIRED, WEIGHTED], ids=["clusters", "sampling"])
def test_dependent_rows_are_compared_by_the_robust_score_test(observations: Observations) -> None:
    comparison = ComparisonOptions((Weighting("peto-peto"),), "bh")
    assert pairwise_test(observations, comparison) is None
    (found,) = compared(observations, 2, comparison).pairwise
    assert (found.test.name, found.test.statistic) == (
        "robust-score",
        robust_score_test(observations, 2).statistic,
    )


def test_a_pair_without_a_test_is_not_counted() -> None:
    """Group 2 is censored before the first event: its tests do not exist, and one pair is left."""
    observations = observe([1, 1, 2, 3, 4, 5], [0, 0, 1, 1, 1, 1], group=[2, 2, 0, 1, 0, 1])
    first, *others = compared(observations, 3, ComparisonOptions(pairwise="bonferroni")).pairwise
    assert first.adjusted_p_value == first.test.p_value
    for one in others:
        assert np.isnan([one.test.statistic, one.test.p_value, one.adjusted_p_value]).all()
        assert one.test.reason is not None


@pytest.mark.parametrize("adjustment", get_args(Adjustment))
def test_p_values_are_adjusted_for_the_number_of_pairs(adjustment: Adjustment) -> None:
    found = compared(THREE, 3, ComparisonOptions(pairwise=adjustment)).pairwise
    p_values = np.array([one.test.p_value for one in found])
    adjusted = adjusted_p_values(p_values, adjustment)
    assert [one.adjusted_p_value for one in found] == adjusted.tolist()


@pytest.mark.parametrize(
    ("name", "block"),
    [
        pytest.param(name, block, id=f"{name}-{block['id']}")
        for name in FILES
        for block in blocks(name, "logrank")
        if "pairwise" in block
    ],
)
@pytest.mark.parametrize("adjustment", ["holm", "bh", "bonferroni"])
def test_pairs_equal_r(name: str, block: dict[str, Any], adjustment: Adjustment) -> None:
    """R's pairs are stratified as the block is."""
    observations, labels = sample(name, block)
    of_weights = {"logrank": Weighting(), "peto_rho1": Weighting("fleming-harrington", 1, 0)}
    for key, expected in ((key, block["pairwise"][key]) for key in of_weights if key in block["pairwise"]):
        options = ComparisonOptions((of_weights[key],), adjustment)
        found = compared(observations, len(labels), options).pairwise
        for one, r in zip(found, expected, strict=True):
            assert (labels[one.pair.first], labels[one.pair.second]) == (r["group_1"], r["group_2"])
            figures = [one.test.statistic, one.test.p_value, one.adjusted_p_value]
            np.testing.assert_allclose(figures, [r["chisq"], r["p_value"], r[f"p_{adjustment}"]], rtol=1e-9)
