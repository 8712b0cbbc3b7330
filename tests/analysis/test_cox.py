"""Cox regression: by hand, by properties, and against R."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Ties
from app.analysis.cox import cox_regression
from app.analysis.errors import InvalidObservationsError, InvalidParameterError, NoEstimateError
from app.analysis.observations import Observations, observe
from app.analysis.partial_likelihood import partial_likelihood
from app.analysis.risk_sets import risk_sets
from tests.analysis.cox_samples import (
    BOTH_TIES,
    FOUR_DEATHS,
    R_MODELS,
    column,
    covariates_of,
    cox_block,
    crowd,
    sample_with_covariates,
    samples,
)
from tests.references import assert_equal_to_r, numbers


def test_without_ties_by_hand() -> None:
    """L = r / (2 r + 1) / (r + 1) is largest at r = 1 / sqrt 2, and is 1 / 6 at r = 1."""
    model = cox_regression(observe([3, 1, 2], [False, True, True]), column(1, 0, 1))
    assert model.hazard_ratio == pytest.approx([0.5**0.5])
    assert model.null_log_likelihood == pytest.approx(-np.log(6))


def test_efron_lets_tied_events_leave_one_by_one() -> None:
    """Two of three die at 1, one with x = 1: L = r / (r + 2) / (r + 2 - (r + 1) / 2) is largest at r = sqrt 6."""
    model = cox_regression(observe([1, 1, 2], [True, True, False], group=[0, 1, 2]), column(0, 1, 0))
    assert model.hazard_ratio == pytest.approx([6**0.5])
    assert model.null_log_likelihood == pytest.approx(-np.log(3 * 2))


def test_breslow_lets_tied_events_leave_together() -> None:
    """Two of three die at 1, one with x = 1: L = r / (r + 2)^2 is largest at r = 2, where I = 2 * 1/2 * 1/2."""
    model = cox_regression(observe([1, 1, 2], [True, True, False], group=[0, 1, 2]), column(0, 1, 0), ties="breslow")
    assert model.hazard_ratio == pytest.approx([2])
    assert model.null_log_likelihood == pytest.approx(-np.log(9))
    assert model.standard_error == pytest.approx([2**0.5])
    assert model.z == pytest.approx([np.log(2) / 2**0.5])
    assert model.lower == pytest.approx(2 * np.exp(-1.959963985 * 2**0.5))
    assert model.upper == pytest.approx(2 * np.exp(+1.959963985 * 2**0.5))


def test_a_row_is_at_risk_after_its_entry_only() -> None:
    """Rows that enter at the event at 1 are not at risk there: L = r / (r + 1) / (r + 2), largest at r = sqrt 2."""
    observations = observe([1, 2, 3, 4], [True, True, False, False], entry=[0, 0, 1, 1])
    assert cox_regression(observations, column(1, 0, 1, 0)).hazard_ratio == pytest.approx([2**0.5])


def refusal(observations: Observations, covariates: FloatArray) -> str:
    with pytest.raises(NoEstimateError) as refused:
        cox_regression(observations, covariates)
    return str(refused.value)


def test_without_events_there_is_no_model() -> None:
    assert refusal(observe([1, 2], [False, False]), column(1, 0)) == "there are no events"


@pytest.mark.parametrize(
    ("covariates", "columns"),
    [
        (np.array([[1.0, 5], [0, 5], [0, 5], [1, 5]]), "1"),
        (np.array([[0.3, 1], [0.1 + 0.2, 0], [0.3, 0], [0.3, 1]]), "0"),
        (np.array([[1.0, 1, 1], [0, 2, 3], [0, 5, 3], [1, 0, 1]]), "0, 2"),
    ],
)
def test_covariates_that_do_not_vary_by_themselves_are_named(covariates: FloatArray, columns: str) -> None:
    message = refusal(FOUR_DEATHS, covariates)
    assert message.startswith(f"the covariates in columns {columns} do not vary")


def test_a_covariate_that_varies_only_where_nobody_dies_does_not_vary() -> None:
    """It differs before the first event, after the last, and between times, but not among those at risk together."""
    observations = observe([1, 2, 2, 4, 4, 5], [0, 1, 0, 1, 0, 0], entry=[0, 0, 0, 3, 3, 4])
    assert "do not vary" in refusal(observations, column(9, 1, 1, 2, 2, 7))


@pytest.mark.parametrize("ties", BOTH_TIES)
@pytest.mark.parametrize("x", [(1, 1, 0, 0), (4, 3, 2, 1), (-1e6, -1e5, 1e5, 2e5)])
def test_a_monotone_likelihood_has_no_maximum(ties: Ties, x: tuple[float, ...]) -> None:
    """Whoever dies always has the largest, or the smallest, x of those at risk."""
    with pytest.raises(NoEstimateError, match="1 have a monotone likelihood"):
        cox_regression(FOUR_DEATHS, np.column_stack(((0, 1, 1, 0), x)), ties=ties)


@pytest.mark.parametrize(
    "covariates", [np.zeros(4), np.zeros((4, 0)), np.zeros((3, 1)), column(0, 1, 2, np.nan), column(0, 1, np.inf, 2)]
)
def test_covariates_are_a_finite_matrix_with_the_rows_of_the_sample(covariates: FloatArray) -> None:
    with pytest.raises(InvalidObservationsError):
        cox_regression(FOUR_DEATHS, covariates)


def test_options_outside_their_range_are_refused() -> None:
    with pytest.raises(InvalidParameterError):
        cox_regression(FOUR_DEATHS, column(0, 1, 1, 0), ties="other")  # type: ignore[arg-type]
    with pytest.raises(InvalidParameterError):
        cox_regression(FOUR_DEATHS, column(0, 1, 1, 0), confidence_level=1)


def test_a_step_too_far_is_halved() -> None:
    """One x far from the others: whole Newton steps would leave for infinity."""
    observations, x = observe(range(1, 9), [True] * 8), column(20, 1, 1, 2, 1, 0, 1, 2)
    model = cox_regression(observations, x)
    found = partial_likelihood(risk_sets(observations, "efron"), x, model.coefficient)
    assert found.score == pytest.approx([0], abs=1e-9)
    assert model.standard_error == pytest.approx(found.information[0] ** -0.5)


def test_a_likelihood_that_only_descends_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that is no number would, which the checks before leave none of."""
    monkeypatch.setattr("app.analysis.cox.MAX_HALVINGS", 0)
    assert "do not vary" in refusal(FOUR_DEATHS, column(0, 1, 1, 0))


@pytest.mark.parametrize("clustered", [False, True])
def test_robust_errors_can_be_asked_for_or_not(clustered: bool) -> None:
    """Without clusters each subject is one."""
    x, alone = column(0, 1, 1, 0), replace(FOUR_DEATHS, cluster=np.arange(4))
    robust = cox_regression(alone if clustered else FOUR_DEATHS, x, robust=True)
    model_based = cox_regression(alone if clustered else FOUR_DEATHS, x, robust=False)
    assert robust.standard_error == pytest.approx(cox_regression(alone, x).standard_error)
    assert model_based.standard_error == pytest.approx(cox_regression(FOUR_DEATHS, x).standard_error)
    assert model_based.standard_error == pytest.approx(robust.model_based_standard_error)
    assert np.isnan(model_based.robust_score_statistic)
    assert np.isfinite(robust.robust_score_statistic)


def test_weights_further_apart_than_digits_are_refused() -> None:
    observations = observe([1, 2, 3, 4], [True] * 4, weight=[1e15, 1e-300, 1e-300, 1], sampling=True)
    assert "do not vary" in refusal(observations, column(0, 1, 0, 1))


def test_a_row_that_is_at_risk_at_no_event_does_not_matter_whatever_its_covariate() -> None:
    model = cox_regression(FOUR_DEATHS, column(0, 1, 1, 0))
    other = cox_regression(observe([0.5, 1, 2, 3, 4], [False] + [True] * 4), column(1e12, 0, 1, 1, 0))
    assert (other.coefficient, other.standard_error) == (model.coefficient, model.standard_error)


def test_a_monotone_likelihood_with_delayed_entry_has_no_maximum() -> None:
    """Sums over the risk sets that were differences would lose the score here, and have it 0 after 19 steps."""
    observations = observe([4, 4, 6, 6, 7], [1, 1, 1, 0, 1], entry=[0, 2, 4, 2, 5])
    assert "monotone" in refusal(observations, column(-1, -1, 0, -1, -2))


def test_hazard_ratios_of_a_tiny_unit_overflow_to_infinity() -> None:
    model = cox_regression(FOUR_DEATHS, column(1e-8, 4e-8, 3e-8, 0))
    assert (model.lower[0], model.upper[0]) == (0, np.inf)


@pytest.mark.parametrize("x", [column(0, 1, 1, 0), np.array([[0.0, 1], [1, 2], [1, 0], [0, 3]])])
def test_no_more_clusters_than_coefficients_leave_these_without_an_error(x: FloatArray) -> None:
    """The scores of the clusters add to 0, so those of one say nothing of one coefficient, nor two of two."""
    cluster = np.arange(4) % x.shape[1]
    model = cox_regression(replace(FOUR_DEATHS, cluster=cluster), x)
    assert np.isfinite(model.hazard_ratio).all()
    assert np.isnan([model.standard_error, model.z, model.p_value, model.lower, model.upper]).all()


def test_clusters_that_hold_the_same_leave_a_coefficient_without_an_error() -> None:
    """Each cluster has a score of 0 of its own, of which rounding leaves 1e-17."""
    observations = observe([1, 1, 2, 2, 3, 3], [True] * 4 + [False] * 2, cluster=[0, 1, 0, 1, 0, 1])
    model = cox_regression(observations, column(1, 1, 0, 0, 1, 1))
    assert np.isnan(model.standard_error).all()


def test_a_billion_subjects_are_as_good_as_a_million() -> None:
    """They give the same hazard ratio, sqrt 1000 times as exactly."""
    million, billion = cox_regression(*crowd(10**5)), cox_regression(*crowd(10**8))
    assert billion.coefficient == pytest.approx(million.coefficient, rel=1e-4)
    assert billion.standard_error == pytest.approx(million.standard_error / 1000**0.5, rel=1e-4)


@given(st.data(), samples(min_size=4), st.floats(1e-5, 1e5), st.floats(-1e5, 1e5))
@settings(deadline=None)
def test_unit_and_origin_of_a_covariate_do_not_matter(
    data: st.DataObject, observations: Observations, unit: float, origin: float
) -> None:
    x = data.draw(covariates_of(observations, 1))
    try:
        model = cox_regression(observations, x)
    except NoEstimateError:
        assume(False)
    other = cox_regression(observations, x * unit + origin * unit)
    np.testing.assert_allclose(other.coefficient * unit, model.coefficient, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(other.standard_error * unit, model.standard_error, rtol=1e-6)


@pytest.mark.parametrize(("name", "block_id"), R_MODELS)
def test_models_equal_coxph(name: str, block_id: str) -> None:
    block = cox_block(name, block_id)
    figures = block["coefficients"]
    model = cox_regression(*sample_with_covariates(name, block), ties=block["inputs"]["ties"])
    errors = [figure.get("robust_std_err", figure["std_err"]) for figure in figures]
    assert_equal_to_r(model.coefficient, [figure["coef"] for figure in figures])
    assert_equal_to_r(model.standard_error, errors)
    assert_equal_to_r(model.z, [figure["z"] for figure in figures])
    assert_equal_to_r(model.p_value, [figure["p_value"] for figure in figures], rtol=1e-8)
    assert_equal_to_r(model.hazard_ratio, [figure["hazard_ratio"] for figure in figures])
    assert_equal_to_r(model.lower, [figure["hr_lower"] for figure in figures])
    assert_equal_to_r(model.upper, [figure["hr_upper"] for figure in figures])
    assert_equal_to_r(
        [model.log_likelihood, model.null_log_likelihood], [block["loglik"][at] for at in ("model", "null")]
    )


def test_a_strong_effect_of_a_rare_covariate_is_found() -> None:
    """The first Newton step would overshoot, to where the likelihood is flat: at 0 there is hardly information."""
    time, event, x = [5, 4, 3, 2, 6, 4, 5, 5], [1, 0, 0, 1, 1, 1, 0, 0], [2, 1, 0, 2, 2, 1, 0, 1]
    observations = observe(time, event, weight=[1, 1, 1, 1, 1, 1, 10**6, 1], group=range(8))
    model = cox_regression(observations, numbers(x)[observations.groups][:, None])
    assert model.coefficient == pytest.approx([7.305], abs=1e-3)
    assert model.standard_error == pytest.approx([0.7768], abs=1e-4)
