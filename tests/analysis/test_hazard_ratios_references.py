"""Hazard ratios of groups, and Cox models with strata, against R."""

from dataclasses import replace

import numpy as np
import pytest

from app.analysis.conventions import Ties
from app.analysis.cox import cox_regression
from app.analysis.observations import observe
from tests.analysis.cox_samples import (
    STRATIFIED_MODELS,
    cox_block,
    group_hazard_ratios,
    in_sequence,
    sample_with_covariates,
)
from tests.references import assert_equal_to_r, reference


@pytest.mark.parametrize(("name", "block_id"), STRATIFIED_MODELS)
def test_stratified_models_equal_coxph(name: str, block_id: str) -> None:
    block = cox_block(name, block_id)
    model = cox_regression(*in_sequence(*sample_with_covariates(name, block)), ties=block["inputs"]["ties"])
    figures = block["coefficients"]
    errors = [figure.get("robust_std_err", figure["std_err"]) for figure in figures]
    assert_equal_to_r(model.coefficient, [figure["coef"] for figure in figures])
    assert_equal_to_r(model.standard_error, errors)
    assert_equal_to_r(model.log_likelihood, block["loglik"]["model"])


@pytest.mark.parametrize(
    ("name", "block_id"),
    [("aml", "efron"), ("aml", "breslow"), *(("rats2", kind) for kind in ("andersen_gill", "pwp_total_time"))],
)
def test_group_hazard_ratios_equal_coxph(name: str, block_id: str) -> None:
    block = cox_block(name, block_id)
    observations, x = sample_with_covariates(name, block)
    sample = replace(observations, group=x[:, 0].astype(np.int64))
    (ratio,) = group_hazard_ratios(sample, 2, ties=block["inputs"]["ties"])
    figures = [ratio.hazard_ratio, ratio.lower, ratio.upper, ratio.p_value]
    names = ("hazard_ratio", "hr_lower", "hr_upper", "p_value")
    assert_equal_to_r(figures, [block["coefficients"][0][name] for name in names])


@pytest.mark.parametrize(("ties", "expected"), [("efron", -0.5310235), ("breslow", -0.5303966)])
def test_lung_by_sex(ties: Ties, expected: float) -> None:
    columns = reference("lung")["columns"]
    sex = [int(label == "female") for label in columns["group"]]
    (ratio,) = group_hazard_ratios(observe(columns["time"], columns["event"], group=sex), 2, ties=ties)
    assert np.log(ratio.hazard_ratio) == pytest.approx(expected, abs=5e-8)
