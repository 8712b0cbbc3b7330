from dataclasses import replace

import numpy as np
import pytest

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Ties
from app.analysis.errors import InvalidObservationsError, InvalidParameterError, NoEstimateError
from app.analysis.fine_gray import FineGrayModel, fine_gray_regression
from app.analysis.hypothesis_test import quadratic_form_test
from app.analysis.observations import observe
from tests.analysis.cox_samples import BOTH_TIES, column
from tests.analysis.fine_gray_samples import FOUR, FOUR_X, melanoma, r_figures
from tests.references import assert_equal_to_r

R_BLOCKS = ("cause1", "cause2", "cause1_factor3")


def test_smallest_model_by_hand() -> None:
    """The one with the competing event at 1 and x = 1 stays: L = r / (2 r + 2) / (r + 2), so r^2 = 2 at the maximum.

    p = 2 r / (2 r + 2) and q = r / (r + 2) are the mean x at 2 and 3: I = p (1 - p) + q (1 - q). With a and b, one over
    the sum at risk at 2 and 3, the score residuals of those with x = 1 are -r (a (1 - p) + b (1 - q)) (competing) and
    1 - p - r a (1 - p) (event at 2), of those with x = 0 a p - q + b q (event at 3) and a p + b q.
    """
    model = fine_gray_regression(FOUR, FOUR_X)
    r = 2**0.5
    a, b, p, q = 1 / (2 * r + 2), 1 / (r + 2), r / (r + 1), r / (r + 2)
    information = p * (1 - p) + q * (1 - q)
    residuals = [-r * (a * (1 - p) + b * (1 - q)), 1 - p - r * a * (1 - p), a * p - q + b * q, a * p + b * q]
    assert model.hazard_ratio[0] == pytest.approx(r, rel=1e-9)
    assert model.log_likelihood == pytest.approx(np.log(r * a * b), rel=1e-12)
    assert model.null_log_likelihood == pytest.approx(np.log(1 / 12), rel=1e-12)
    assert sum(residuals) == pytest.approx(0, abs=1e-12)
    expected = np.sqrt(np.square(residuals).sum()) / information
    np.testing.assert_allclose(model.fixed_weights_standard_error, [expected], rtol=1e-9)
    np.testing.assert_allclose(model.standard_error, [expected], rtol=1e-9)  # nobody was censored before an event


def test_limits_and_p_value_are_walds() -> None:
    model = fine_gray_regression(FOUR, FOUR_X, confidence_level=0.9)
    width = 1.6448536269514722 * model.standard_error
    np.testing.assert_allclose(model.lower, np.exp(model.coefficient - width), rtol=1e-12)
    np.testing.assert_allclose(model.upper, np.exp(model.coefficient + width), rtol=1e-12)
    np.testing.assert_allclose(model.z, model.coefficient / model.standard_error, rtol=1e-12)
    assert model.p_value[0] == pytest.approx(quadratic_form_test("", model.coefficient, model.covariance).p_value)


@pytest.mark.parametrize("x", [np.zeros(4), np.zeros((3, 1)), np.zeros((4, 0)), column(0, 1, 2, np.nan), np.zeros(())])
def test_covariates_are_checked(x: FloatArray) -> None:
    with pytest.raises(InvalidObservationsError):
        fine_gray_regression(FOUR, x)


def test_options_are_checked() -> None:
    with pytest.raises(InvalidParameterError):
        fine_gray_regression(FOUR, FOUR_X, confidence_level=1)
    with pytest.raises(InvalidParameterError):
        fine_gray_regression(FOUR, FOUR_X, ties="exact")  # type: ignore[arg-type]


def test_without_events_of_interest_there_is_no_model() -> None:
    with pytest.raises(NoEstimateError, match="no events"):
        fine_gray_regression(observe([1, 2], [2, 0]), column(0, 1))


def test_a_covariate_that_all_events_have_most_of_has_no_maximum() -> None:
    with pytest.raises(NoEstimateError, match="columns 0 have a monotone likelihood"):
        fine_gray_regression(observe([1, 2, 3], [1, 2, 0]), column(1, 0, 0))


def test_with_no_more_clusters_than_coefficients_there_is_no_standard_error() -> None:
    observations = replace(FOUR, cluster=np.array([0, 0, 0, 0]))
    model = fine_gray_regression(observations, FOUR_X)
    np.testing.assert_allclose(model.hazard_ratio, [2**0.5], rtol=1e-9)
    for figure in (model.standard_error, model.fixed_weights_standard_error, model.lower, model.upper, model.p_value):
        assert np.isnan(figure).all()


def test_clusters_are_summed_over() -> None:
    """Two copies of each row, as one cluster each, have the variance of the rows alone."""
    observations = observe([1, 2, 3, 4, 5, 5], [2, 0, 1, 1, 2, 0])
    x = column(0, 1, 0.5, 2, 1, 0)
    places = np.repeat(np.arange(6), 2)
    doubled = replace(observations.select(places), cluster=places)
    alone, both = fine_gray_regression(observations, x), fine_gray_regression(doubled, x[places])
    np.testing.assert_allclose(both.coefficient, alone.coefficient, rtol=1e-9)
    np.testing.assert_allclose(both.standard_error, alone.standard_error, rtol=1e-9)
    np.testing.assert_allclose(both.fixed_weights_standard_error, alone.fixed_weights_standard_error, rtol=1e-9)


def test_sampling_weights_have_no_unit() -> None:
    def model(unit: float) -> FineGrayModel:
        observations = observe(
            [1, 2, 3, 4, 5, 5],
            [2, 0, 1, 1, 2, 0],
            weight=unit * np.array([1.5, 2, 0.5, 1, 2.5, 1]),
            group=range(6),
            sampling=True,
        )
        return fine_gray_regression(observations, column(0, 1, 0.5, 2, 1, 0))

    one, other = model(1), model(1000)
    np.testing.assert_allclose(one.coefficient, other.coefficient, rtol=1e-9)
    np.testing.assert_allclose(one.standard_error, other.standard_error, rtol=1e-9)


@pytest.mark.parametrize("block_id", R_BLOCKS)
def test_figures_equal_crr(block_id: str) -> None:
    """No time is that of an event and of a censoring too, so that the tie rules of G agree."""
    block, observations, x = melanoma(block_id)
    assert not set(observations.time[observations.event]) & set(observations.time[~observations.event])
    model, expected = fine_gray_regression(observations, x), block["crr"]
    assert_equal_to_r(model.coefficient, r_figures(expected, "coef"), rtol=1e-8)
    assert_equal_to_r(model.standard_error, r_figures(expected, "std_err"), rtol=1e-8)
    assert_equal_to_r(model.covariance, expected["vcov"], rtol=1e-8)
    assert_equal_to_r(model.z, r_figures(expected, "z"), rtol=1e-8)
    assert_equal_to_r(model.p_value, r_figures(expected, "p_value"), rtol=1e-7)
    assert_equal_to_r(model.hazard_ratio, r_figures(expected, "subhazard_ratio"), rtol=1e-8)
    assert_equal_to_r(model.lower, r_figures(expected, "shr_lower"), rtol=1e-8)
    assert_equal_to_r(model.upper, r_figures(expected, "shr_upper"), rtol=1e-8)
    assert_equal_to_r(model.log_likelihood, expected["pseudo_loglik"], rtol=1e-10)
    assert_equal_to_r(model.null_log_likelihood, expected["pseudo_loglik_null"], rtol=1e-10)


@pytest.mark.parametrize("ties", BOTH_TIES)
@pytest.mark.parametrize("block_id", R_BLOCKS)
def test_figures_equal_finegray_with_coxph(block_id: str, ties: Ties) -> None:
    block, observations, x = melanoma(block_id)
    model, expected = fine_gray_regression(observations, x, ties=ties), block[f"finegray_coxph_{ties}"]
    assert_equal_to_r(model.coefficient, r_figures(expected, "coef"), rtol=1e-9)
    assert_equal_to_r(model.fixed_weights_standard_error, r_figures(expected, "std_err"), rtol=1e-9)
    z = model.coefficient / model.fixed_weights_standard_error
    assert_equal_to_r(z, r_figures(expected, "z"), rtol=1e-9)
    assert_equal_to_r(model.log_likelihood, expected["loglik"]["model"], rtol=1e-12)
    assert_equal_to_r(model.null_log_likelihood, expected["loglik"]["null"], rtol=1e-12)
