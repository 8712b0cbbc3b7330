"""Predictions of parametric models: cases by hand, edges, and the delta method literally."""

from collections.abc import Iterator

import numpy as np
import pytest

from app.analysis import parametric_maximum
from app.analysis.arrays import FloatArray
from app.analysis.observations import observe
from app.analysis.parametric import ParametricModel, parametric_regression
from app.analysis.parametric_families import Distribution, family
from app.analysis.parametric_predictions import predicted_survival, predicted_times
from tests.analysis.parametric_samples import DISTRIBUTIONS, aligned

Z = 1.959963984540054
PROFILES = np.array([[0.0], [1.5]])


@pytest.fixture(autouse=True, scope="module")
def without_lifelines() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parametric_maximum, "lifelines_fit", lambda *_: None)
        yield


def model(distribution: Distribution) -> ParametricModel:
    places = np.arange(30)
    time = np.exp(places % 3 / 2) * (-np.log1p(-(places * 11 % 30 + 0.5) / 30)) ** 0.7
    return parametric_regression(*aligned(time, places % 4 > 0, places % 3), distribution)


def test_exponential_predictions_by_hand() -> None:
    """2 events in 6: mean 3, se(log mean) = 1 / sqrt(2); the median is 3 log 2, S(3) = 1 / e with log(-log S) = 0."""
    sample = observe([1, 2, 3], [1, 1, 0])
    fitted = parametric_regression(sample, np.empty((3, 0)), "exponential")
    nobody = np.empty((1, 0))
    times = predicted_times(fitted, nobody, np.array([0.5]))
    factor = np.exp(Z / 2**0.5)
    median = 3 * np.log(2)
    assert times.estimate == pytest.approx(median)
    assert times.standard_error == pytest.approx(median / 2**0.5)
    assert [times.lower.item(), times.upper.item()] == pytest.approx([median / factor, median * factor])
    survival = predicted_survival(fitted, nobody, np.array([3.0]))
    assert survival.estimate == pytest.approx(np.exp(-1))
    assert survival.standard_error == pytest.approx(np.exp(-1) / 2**0.5)
    assert [survival.lower.item(), survival.upper.item()] == pytest.approx([np.exp(-factor), np.exp(-1 / factor)])


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_at_time_0_all_are_event_free(distribution: Distribution) -> None:
    at = predicted_survival(model(distribution), PROFILES, np.array([0.0]))
    assert (at.estimate == 1).all()
    assert (at.standard_error == 0).all()
    assert (at.lower == 1).all()
    assert (at.upper == 1).all()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_survival_at_a_quantile_is_what_the_quantile_says(distribution: Distribution) -> None:
    fitted = model(distribution)
    assert fitted.converged
    for probability in (0.1, 0.5, 0.9):
        times = predicted_times(fitted, PROFILES, np.array([probability])).estimate
        back = predicted_survival(fitted, PROFILES, times[:, 0])
        np.testing.assert_allclose(np.diag(back.estimate), 1 - probability, rtol=1e-9)
        assert (back.lower < back.estimate).all()
        assert (back.estimate < back.upper).all()


def literal(fitted: ParametricModel, parameters: FloatArray, x: float) -> tuple[float, float]:
    """Return log(median) and log(-log S(2)) of a profile at some parameters."""
    intercept, slope, *others = parameters
    log_scale, shape, *_ = [*others, 0.0, 0.0]
    errors, scale = family(fitted.distribution, shape), np.exp(log_scale)
    median = intercept + slope * x + scale * errors.quantile(np.array([0.5]))
    return median.item(), np.log(-errors.log_survival((np.log([2.0]) - intercept - slope * x) / scale)).item()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_standard_errors_are_those_of_the_delta_method_with_literal_differences(distribution: Distribution) -> None:
    fitted = model(distribution)
    times = predicted_times(fitted, PROFILES, np.array([0.5]))
    survival = predicted_survival(fitted, PROFILES, np.array([2.0]))
    step = 1e-4 * np.eye(fitted.parameters.size)
    for row, (x,) in enumerate(PROFILES):
        ends = [[literal(fitted, fitted.parameters + side * move, x) for move in step] for side in (1, -1)]
        gradient = (np.array(ends[0]) - np.array(ends[1])) / 2e-4
        error = np.sqrt(np.diag(gradient.T @ fitted.covariance @ gradient))
        assert times.standard_error[row, 0] == pytest.approx(times.estimate[row, 0] * error[0], rel=1e-6)
        log_s = np.log(survival.estimate[row, 0])
        assert survival.lower[row, 0] == pytest.approx(np.exp(log_s * np.exp(Z * error[1])), rel=1e-6)
        assert survival.upper[row, 0] == pytest.approx(np.exp(log_s * np.exp(-Z * error[1])), rel=1e-6)


def test_what_overflows_and_what_rounds_to_0_or_1_has_no_figure_or_no_limits() -> None:
    far = np.array([[1e6]])
    fitted = model("weibull")
    assert np.isnan(predicted_times(fitted, far, np.array([0.5])).estimate).all()
    survival = predicted_survival(fitted, np.array([[-1e3]]), np.array([1.0]))
    assert survival.estimate == 0
    assert np.isnan([survival.lower, survival.upper]).all()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_model_that_did_not_converge_predicts_nothing(distribution: Distribution) -> None:
    failed = parametric_regression(*aligned([2, 3, 5, 7, 8], [0, 1, 1, 0, 0], [0, 0, 0, 1, 1]), distribution)
    assert not failed.converged
    for predictions in (
        predicted_times(failed, PROFILES, np.array([0.5])),
        predicted_survival(failed, PROFILES, np.array([0.0, 2.0])),
    ):
        figures = (predictions.estimate, predictions.standard_error, predictions.lower, predictions.upper)
        assert np.isnan(np.concatenate(figures, axis=None)).all()
