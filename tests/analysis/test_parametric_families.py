"""The distributions of errors: what holds of every distribution, nested ones, and derivatives by differences."""

import numpy as np
import pytest
from scipy.integrate import quad

from app.analysis.errors import InvalidParameterError
from app.analysis.observations import observe
from app.analysis.parametric_families import Distribution, Family, family
from app.analysis.parametric_likelihood import log_likelihood, log_times, parametric_likelihood, parametric_scores
from tests.analysis.parametric_samples import DISTRIBUTIONS, aligned

W = np.linspace(-3, 3, 7)
FAMILIES = [family(name) for name in DISTRIBUTIONS[:4]] + [
    family("generalized-gamma", shape) for shape in (-2.0, -0.5, -1e-3, 0.0, 1e-5, 0.3, 0.32, 1.0, 3.0)
]
EVERY = pytest.mark.parametrize("errors", FAMILIES)


@EVERY
def test_the_density_is_minus_the_slope_of_survival_and_integrates_to_1(errors: Family) -> None:
    step = 1e-5

    def density(w: float) -> float:
        return float(np.exp(errors.log_density(np.array(w))))

    with np.errstate(all="ignore"):
        fall = np.exp(errors.log_survival(W - step)) - np.exp(errors.log_survival(W + step))
        mass = quad(density, -60, 40, points=[-4, 0, 4])[0]
    np.testing.assert_allclose(fall / (2 * step), np.exp(errors.log_density(W)), rtol=1e-5, atol=1e-10)
    assert mass == pytest.approx(1, abs=1e-7)


@EVERY
def test_slope_and_curvature_are_derivatives_of_the_log_density(errors: Family) -> None:
    step = 1e-4
    for function, derivative in ((errors.log_density, errors.slope), (errors.slope, errors.curvature)):
        difference = (function(W + step) - function(W - step)) / (2 * step)
        np.testing.assert_allclose(derivative(W), difference, rtol=1e-6, atol=1e-6)


@EVERY
def test_quantiles_invert_survival(errors: Family) -> None:
    p = np.array([0.01, 0.25, 0.5, 0.9])
    np.testing.assert_allclose(1 - np.exp(errors.log_survival(errors.quantile(p))), p, rtol=1e-9)


@pytest.mark.parametrize(("shape", "nested"), [(1.0, "weibull"), (0.0, "log-normal"), (1e-7, "log-normal")])
def test_the_generalized_gamma_has_others_as_special_cases(shape: float, nested: Distribution) -> None:
    """So has its likelihood, with its derivatives by the parameters that they share."""
    data = log_times(*aligned([1, 2, 5, 9], [1, 1, 0, 1], [0, 1, 1, 2], entry=[0, 1, 0, 3]))
    parameters = np.array([1.0, 0.3, -0.2])
    general = parametric_likelihood(data, "generalized-gamma", np.append(parameters, shape))
    special = parametric_likelihood(data, nested, parameters)
    assert general.log_likelihood == pytest.approx(special.log_likelihood, abs=1e-6)
    np.testing.assert_allclose(general.gradient[:3], special.gradient, atol=1e-6)
    np.testing.assert_allclose(general.information[:3, :3], special.information, atol=1e-6)


def test_weibull_times_of_scale_1_are_exponential() -> None:
    data = log_times(observe([1, 2, 5], [1, 0, 1]), np.empty((3, 0)))
    weibull = parametric_likelihood(data, "weibull", np.array([0.7, 0.0]))
    exponential = parametric_likelihood(data, "exponential", np.array([0.7]))
    assert weibull.log_likelihood == pytest.approx(exponential.log_likelihood)


def test_other_distributions_are_refused() -> None:
    with pytest.raises(InvalidParameterError, match="one of exponential"):
        family("gompertz")  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [-60.0, -7.0, -0.5, -0.03, 0.03, 0.5, 7.0, 60.0])
def test_survival_far_out_falls_by_its_density(shape: float) -> None:
    """Also where gamma functions underflow, and where P or Q is next to 1."""
    errors, step, half = (
        family("generalized-gamma", shape),
        0.01 / max(1, abs(shape)),
        np.polynomial.legendre.leggauss(9),
    )
    w = np.concatenate((-np.geomspace(3000, 0.01, 60), np.geomspace(0.01, 300, 60)))
    with np.errstate(all="ignore"):
        survival = errors.log_survival(w)
        fall = np.expm1(errors.log_survival(w - step) - survival) - np.expm1(errors.log_survival(w + step) - survival)
        mass = step * np.exp(errors.log_density(w[:, None] + step * half[0]) - survival[:, None]) @ half[1]
    known = survival > -700
    assert known.sum() > 70
    np.testing.assert_allclose(fall[known], mass[known], rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("shape", [-0.8, 0.005, 1.7])
def test_scores_and_information_are_derivatives_of_the_likelihood(distribution: Distribution, shape: float) -> None:
    data = log_times(*aligned([1, 2, 5, 9], [1, 1, 0, 1], [0, 1, 1, 2], entry=[0, 1, 0, 3], weight=[1, 2, 1, 3]))
    parameters = np.array([1.0, 0.3, -0.2, shape])
    size = {"exponential": 2, "generalized-gamma": 4}.get(distribution, 3)
    step = 1e-4
    at = parametric_likelihood(data, distribution, parameters[:size])
    assert at.log_likelihood == pytest.approx(log_likelihood(data, distribution, parameters[:size]), abs=1e-12)
    for place, move in enumerate(step * np.eye(size)):
        ends = [parametric_likelihood(data, distribution, parameters[:size] + side * move) for side in (1, -1)]
        slope = (ends[0].log_likelihood - ends[1].log_likelihood) / (2 * step)
        assert at.gradient[place] == pytest.approx(slope, rel=1e-5, abs=1e-5)
        curvature = (ends[1].gradient - ends[0].gradient) / (2 * step)
        np.testing.assert_allclose(at.information[place], curvature, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_scores_of_a_row_are_the_gradient_of_a_sample_of_it_alone(distribution: Distribution) -> None:
    time, event, x, entry = [2.0, 1.0, 9.0, 5.0], [1, 1, 1, 0], [1.0, 0, 2, 1], [1.0, 0, 3, 2]
    parameters = np.array([1.0, 0.3, -0.2, 0.7])[: {"exponential": 2, "generalized-gamma": 4}.get(distribution, 3)]
    scores = parametric_scores(log_times(*aligned(time, event, x, entry=entry)), distribution, parameters)
    for score, place in zip(scores, np.argsort(time), strict=True):
        row = aligned([time[place]], [event[place]], [x[place]], entry=[entry[place]])
        alone = parametric_likelihood(log_times(*row), distribution, parameters)
        np.testing.assert_allclose(score, alone.gradient, atol=1e-12)
