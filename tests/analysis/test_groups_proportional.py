"""The test of proportional hazards of groups: against R, and where there is none."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.conventions import Ties
from app.analysis.observations import observe
from tests.analysis.cox_samples import ALL_MODELS, BOTH_TIES, cox_block, proportional, sample_with_covariates
from tests.references import assert_equal_to_r
from tests.strategies import Rows, rows, shuffled


def of_group_alone(name: str, block_id: str) -> bool:
    part = cox_block(name, block_id)["inputs"]
    return bool(part["covariates"] == ["group"]) and "weights" not in part


@pytest.mark.parametrize(("name", "block_id"), [model for model in ALL_MODELS if of_group_alone(*model)])
def test_groups_proportional_equals_cox_zph(name: str, block_id: str) -> None:
    block = cox_block(name, block_id)
    observations, x = sample_with_covariates(name, block)
    codes = (x @ np.arange(1, x.shape[1] + 1)).astype(np.int64)
    test = proportional(replace(observations, group=codes), x.shape[1] + 1, ties=block["inputs"]["ties"])
    figures = block["zph"]["km"][-1]
    assert_equal_to_r([test.statistic, test.p_value], [figures["chisq"], figures["p_value"]], rtol=1e-7)
    assert test.degrees_of_freedom == figures["df"]


def test_groups_without_a_hazard_ratio_are_not_tested() -> None:
    observations = observe([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 0, 0], group=[0, 2, 2, 0, 1, 1])
    alone = proportional(observe([1, 2, 3, 4], [True] * 4, group=[0, 1, 1, 0]), 2)
    assert proportional(observations, 3).statistic == pytest.approx(alone.statistic)
    assert alone.degrees_of_freedom == 1


def test_without_hazard_ratios_there_is_a_reason() -> None:
    test = proportional(observe([1, 2, 3, 4], [True] * 4, group=[1, 1, 0, 0]), 2)
    assert np.isnan([test.statistic, test.p_value]).all()
    assert (test.degrees_of_freedom, test.reason) == (0, "no group has a hazard ratio")


@given(shuffled(rows(stratum=None, weight=True, near_ties=True)), st.booleans(), st.sampled_from(BOTH_TIES))
@settings(deadline=None)
def test_groups_proportional_has_a_test_or_a_reason(samples: tuple[Rows, Rows], sampling: bool, ties: Ties) -> None:
    """Whatever the sample; the order of its rows, and the unit of sampling weights, do not matter."""
    first, second = samples
    unit = 0.01 if sampling else 1
    other_weights = {"weight": unit * np.array(second.weight)}
    test = proportional(observe(**first.columns(), sampling=sampling), first.groups, ties=ties)
    other = observe(**second.columns() | other_weights, sampling=sampling)
    again = proportional(other, first.groups, ties=ties)
    assert (test.reason is None) == (test.degrees_of_freedom > 0) == np.isfinite(test.statistic)
    assert test.degrees_of_freedom == again.degrees_of_freedom
    np.testing.assert_allclose(again.statistic, test.statistic, rtol=1e-6, atol=1e-9)
