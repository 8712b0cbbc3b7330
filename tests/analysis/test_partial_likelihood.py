"""The partial likelihood and its residuals: by hand, and literally."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Ties
from app.analysis.hypothesis_test import quadratic_form_test
from app.analysis.observations import Observations, observe
from app.analysis.partial_likelihood import partial_likelihood, score_residuals
from app.analysis.risk_sets import risk_sets
from tests.analysis.cox_samples import (
    BOTH_TIES,
    FOUR_DEATHS,
    R_MODELS,
    column,
    covariates_of,
    cox_block,
    crowd,
    replicated,
    sample_with_covariates,
    samples,
)
from tests.references import assert_equal_to_r, numbers


def test_a_row_of_weight_2_is_two_tied_deaths() -> None:
    """Two with x = 1 die, one with x = 0 survives: at b = 0 the mean of x is 2/3, then 1/2, by Efron."""
    at = partial_likelihood(
        risk_sets(observe([1, 2], [True, False], weight=[2, 1]), "efron"), column(1, 0), np.zeros(1)
    )
    assert at.log_likelihood == pytest.approx(np.log(1 / 3 * 1 / 2))
    assert at.score == pytest.approx([2 - 2 / 3 - 1 / 2])
    assert at.information == pytest.approx(2 / 9 + 1 / 4)


def test_a_fraction_of_a_death_is_a_step_of_that_fraction() -> None:
    """Of 2.5 deaths and one survivor, 1/2 death leaves last, when a fifth of the dying is at risk."""
    at = partial_likelihood(
        risk_sets(observe([1, 2], [True, False], weight=[2.5, 1]), "efron"), column(1, 0), np.zeros(1)
    )
    assert at.log_likelihood == pytest.approx(-np.log(3.5) - np.log(2.5) - np.log(1.5) / 2)


def test_score_residuals_by_hand() -> None:
    """The means of x at risk are 2/3, 1/2 and 1, the hazards 1/3, 1/2 and 1."""
    sets = risk_sets(observe([1, 2, 3], [True, True, True]), "efron")
    residuals = score_residuals(sets, column(1, 0, 1), np.zeros(1))
    np.testing.assert_allclose(residuals, column(2 / 9, -1 / 36, -13 / 36), rtol=1e-14)


def test_exponentials_of_large_linear_predictors_do_not_overflow() -> None:
    sets, x = risk_sets(FOUR_DEATHS, "efron"), column(1, 3, 4, 2)
    near, far = partial_likelihood(sets, x, np.ones(1)), partial_likelihood(sets, x + 1e4, np.ones(1))
    assert far.log_likelihood == pytest.approx(near.log_likelihood)
    assert far.score == pytest.approx(near.score)


@pytest.mark.parametrize("coefficient", [-1e4, 1e4, 1e308])
def test_a_coefficient_out_of_all_bounds_gives_no_warning_and_no_likelihood(coefficient: float) -> None:
    """A warning would fail the test."""
    at = partial_likelihood(risk_sets(FOUR_DEATHS, "efron"), column(1, 3, 4, 2), np.array([coefficient]))
    assert np.isnan(at.log_likelihood)


@pytest.mark.parametrize("ties", BOTH_TIES)
def test_a_large_risk_that_comes_later_does_not_bury_a_small_one(ties: Ties) -> None:
    """Two groups with their own risk sets, the later with risks e^50 times those of the earlier."""
    early = observe([1, 2, 3], [True, True, False])
    late = observe([11, 12, 13], [True, True, False], entry=[10, 10, 10])
    both = observe([1, 2, 3, 11, 12, 13], [1, 1, 0, 1, 1, 0], entry=[0, 0, 0, 10, 10, 10])
    x, far, b = column(1, 3, 2), 50.0, np.ones(1)
    alone = [partial_likelihood(risk_sets(part, ties), x, b) for part in (early, late)]
    together = partial_likelihood(risk_sets(both, ties), np.concatenate((x, x + far)), b)
    assert together.log_likelihood == pytest.approx(sum(part.log_likelihood for part in alone), rel=1e-13)
    residuals = score_residuals(risk_sets(early, ties), x, b)
    np.testing.assert_allclose(
        score_residuals(risk_sets(both, ties), np.concatenate((x, x + far)), b)[:3], residuals, rtol=1e-10
    )


def literal_steps(observations: Observations, ties: Ties) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield, one death at a time, how much of each row is at risk (0 to 1), and the share it has in the death."""
    entry = np.full(observations.size, -1.0) if observations.entry is None else observations.entry
    for now in sorted(set(observations.time[observations.event])):
        dying = observations.event & (observations.time == now)
        deaths = int(observations.weights[dying].sum())
        for step in range(deaths):
            at_risk = ((entry < now) & (now <= observations.time)).astype(np.float64)
            if ties == "efron":
                at_risk[dying] = 1 - step / deaths
            yield at_risk, dying / deaths


def literal_partial_likelihood(
    observations: Observations, x: FloatArray, b: FloatArray, ties: Ties
) -> tuple[float, FloatArray, FloatArray]:
    log_likelihood, residuals = 0.0, np.zeros_like(x)
    information = np.zeros((b.size, b.size))
    for at_risk, dies in literal_steps(observations, ties):
        weight = observations.weights * at_risk * np.exp(x @ b)
        mean = weight @ x / weight.sum()
        log_likelihood += observations.weights * dies @ x @ b - np.log(weight.sum())
        residuals += (dies - at_risk * np.exp(x @ b) / weight.sum())[:, None] * (x - mean)
        information += (x - mean).T @ np.diag(weight / weight.sum()) @ (x - mean)
    return log_likelihood, residuals, information


@given(st.data(), samples(), st.sampled_from(BOTH_TIES))
@settings(deadline=None)
def test_likelihood_and_residuals_equal_the_literal_sums(
    data: st.DataObject, observations: Observations, ties: Ties
) -> None:
    x = data.draw(covariates_of(observations, 2))
    b = numbers(data.draw(st.tuples(st.floats(-1, 1), st.floats(-1, 1))))
    log_likelihood, residuals, information = literal_partial_likelihood(observations, x, b, ties)
    at = partial_likelihood(risk_sets(observations, ties), x, b)
    np.testing.assert_allclose(at.log_likelihood, log_likelihood, 1e-10, 1e-10)
    np.testing.assert_allclose(at.score, observations.weights @ residuals, 1e-10, 1e-10)
    np.testing.assert_allclose(at.information, information, 1e-10, 1e-10)
    np.testing.assert_allclose(score_residuals(risk_sets(observations, ties), x, b), residuals, 1e-10, 1e-10)


def test_crowds_of_tied_deaths_are_summed_as_exactly_as_replicated_rows() -> None:
    observations, x = crowd(1000)
    crowded = risk_sets(observations, "efron")
    assert crowded.mass.size < 300
    rows, y = replicated(observations, x)
    sums, literal = (partial_likelihood(*case, np.ones(1)) for case in ((crowded, x), (risk_sets(rows, "efron"), y)))
    assert sums.log_likelihood == pytest.approx(
        sum(
            observations.weights * dies @ x @ np.ones(1) - np.log(observations.weights * at_risk @ np.exp(x[:, 0]))
            for at_risk, dies in literal_steps(observations, "efron")
        ),
        rel=1e-12,
    )
    np.testing.assert_allclose(sums.information, literal.information, rtol=1e-12)


@given(st.data(), samples(min_size=3, ties=False, entry=False))
@settings(deadline=None)
def test_without_ties_efron_and_breslow_agree(data: st.DataObject, observations: Observations) -> None:
    x = data.draw(covariates_of(observations, 2))
    efron, breslow = (partial_likelihood(risk_sets(observations, ties), x, np.array([0.5, -1])) for ties in BOTH_TIES)
    assert efron.log_likelihood == breslow.log_likelihood
    np.testing.assert_array_equal(efron.information, breslow.information)


@pytest.mark.parametrize(("name", "block_id"), R_MODELS)
def test_score_tests_equal_coxph(name: str, block_id: str) -> None:
    block = cox_block(name, block_id)
    observations, x = sample_with_covariates(name, block)
    sets, null = risk_sets(observations, block["inputs"]["ties"]), np.zeros(x.shape[1])
    at = partial_likelihood(sets, x - x.mean(axis=0), null)
    expected = block["tests"]["score"]
    test = quadratic_form_test("score", at.score, at.information)
    assert_equal_to_r([test.statistic, test.p_value], [expected["statistic"], expected["p_value"]])


@pytest.mark.parametrize(("name", "block_id"), [found for found in R_MODELS if "cluster" in found[1]])
def test_robust_score_tests_equal_coxph(name: str, block_id: str) -> None:
    """R's models have more covariates than a group: the same sums over clusters, by the same score residuals."""
    block = cox_block(name, block_id)
    observations, x = sample_with_covariates(name, block)
    residuals = score_residuals(risk_sets(observations, block["inputs"]["ties"]), x, np.zeros(x.shape[1]))
    assert observations.cluster is not None
    by_cluster = np.equal.outer(np.unique(observations.cluster), observations.cluster) @ residuals
    test = quadratic_form_test("robust-score", residuals.sum(axis=0), by_cluster.T @ by_cluster)
    expected = block["tests"]["robust_score"]
    assert_equal_to_r([test.statistic, test.p_value], [expected["statistic"], expected["p_value"]])
