"""Sampling weights: rows are subjects, weights say how much each counts, and errors are robust."""

from dataclasses import replace

import numpy as np
import pytest

from app.analysis.arrays import FloatArray
from app.analysis.cox import cox_regression
from app.analysis.observations import observe
from app.analysis.risk_sets import risk_sets
from tests.analysis.cox_samples import cox_block, group_hazard_ratios, sample_with_covariates
from tests.references import assert_equal_to_r


def test_tied_rows_leave_one_by_one_each_with_their_mean_weight() -> None:
    """Weights 1 and 3 at 1, 0.5 at 2: two steps of mass 2, at which all, then half, of the tied are at risk."""
    observations = observe([1, 1, 2], [True] * 3, weight=[1, 3, 0.5], sampling=True)
    sets = risk_sets(observations, "efron")
    np.testing.assert_array_equal(sets.step_time, [0, 0, 1])
    np.testing.assert_array_equal(sets.kept, [1 / 2, 1, 1])
    np.testing.assert_array_equal(sets.mass, [2, 2, 0.5])
    together = risk_sets(observations, "breslow")
    np.testing.assert_array_equal(together.mass, [4, 0.5])


def sampled(name: str, block_id: str) -> tuple[FloatArray, FloatArray]:
    """Return the coefficients of a weighted Cox model, and their robust errors."""
    observations, covariates = sample_with_covariates(name, cox_block(name, block_id))
    rows = replace(observations, sampling=True, cluster=np.arange(observations.size))
    model = cox_regression(rows, covariates, ties="efron")
    return model.coefficient, model.standard_error


@pytest.mark.parametrize(("name", "block_id"), [("lung", "sampling_weighted"), ("aml", "weighted_efron_robust")])
def test_cox_models_equal_r(name: str, block_id: str) -> None:
    coefficient, standard_error = sampled(name, block_id)
    expected = cox_block(name, block_id)["coefficients"]
    assert_equal_to_r(coefficient, [one["coef"] for one in expected], rtol=1e-8)
    assert_equal_to_r(standard_error, [one["robust_std_err"] for one in expected], rtol=1e-8)


def test_the_unit_of_the_weights_does_not_matter() -> None:
    time, event, group = [1, 1, 2, 3, 4, 4, 5], [1, 1, 1, 0, 1, 1, 1], [0, 1, 0, 1, 0, 1, 1]
    weight = np.array([1, 2, 0.5, 1, 1.5, 1, 3])
    ratios = [
        group_hazard_ratios(observe(time, event, weight=unit * weight, group=group, sampling=True), 2)[0]
        for unit in (1, 0.001)
    ]
    assert ratios[0].hazard_ratio == pytest.approx(ratios[1].hazard_ratio, rel=1e-9)
    assert ratios[0].upper == pytest.approx(ratios[1].upper, rel=1e-9)
