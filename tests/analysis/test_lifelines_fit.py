"""Where lifelines arrives: near the maximum, in our parameters, or nowhere."""

import subprocess
import sys
import threading
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.analysis import lifelines_fit as module
from app.analysis import parametric_maximum
from app.analysis.arrays import FloatArray
from app.analysis.lifelines_fit import lifelines_fit
from app.analysis.observations import Observations
from app.analysis.parametric import parametric_regression
from app.analysis.parametric_families import Distribution
from app.analysis.parametric_likelihood import log_likelihood, log_times
from tests.analysis.parametric_samples import DISTRIBUTIONS, aligned

EVERY = pytest.mark.parametrize("distribution", DISTRIBUTIONS[1:])


def sample() -> tuple[Observations, FloatArray]:
    """Return 40 subjects, some entering late, some counted several times, with two covariates."""
    places = np.arange(40)
    x = np.column_stack((places % 2, places * 7 % 11))
    time = 300 * np.exp(0.4 * x[:, 0] - 0.1 * x[:, 1]) * -np.log1p(-(places * 13 % 40 + 0.5) / 40)
    return aligned(time, places % 4 > 0, x, entry=time * (places % 3) / 6, weight=1 + places % 3)


@EVERY
def test_lifelines_arrives_near_the_maximum_and_newton_gets_there_alone(
    distribution: Distribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From lifelines' parameters and from its own start Newton's method arrives at the same maximum."""
    found, model = lifelines_fit(*sample(), distribution), parametric_regression(*sample(), distribution)
    monkeypatch.setattr(module, "MAX_ROWS", 10)
    assert lifelines_fit(*sample(), distribution) is None
    alone = parametric_regression(*sample(), distribution)
    assert found is not None
    assert 0 <= model.log_likelihood - log_likelihood(log_times(*sample()), distribution, found) < 1e-2
    assert model.log_likelihood == pytest.approx(alone.log_likelihood, abs=1e-9)
    np.testing.assert_allclose(model.parameters, alone.parameters, rtol=1e-6, atol=1e-6)


def test_it_is_a_start_from_the_maximum_of_its_own_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """With covariates of mean 0 and variance 1, as `parametric_regression` hands them over."""
    handed: list[Any] = []

    def spy(observations: Observations, covariates: FloatArray, distribution: Distribution) -> FloatArray | None:
        handed.append((covariates.mean(axis=0), covariates.std(axis=0)))
        return lifelines_fit(observations, covariates, distribution)

    monkeypatch.setattr(parametric_maximum, "lifelines_fit", spy)
    unweighted, x = sample()
    parametric_regression(replace(unweighted, weight=None), x, "log-normal")
    np.testing.assert_allclose(handed, [[[0, 0], [1, 1]]], atol=1e-12)


def test_lifelines_may_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does where it finds no maximum: it raises ConvergenceError, which is a ValueError."""

    def refuse(*_arguments: Any) -> Any:
        raise ValueError

    monkeypatch.setattr(module, "_fitter", refuse)
    assert lifelines_fit(*sample(), "weibull") is None
    assert parametric_regression(*sample(), "weibull").converged


def test_fits_in_threads_are_those_of_one_after_another() -> None:
    """The differentiation behind lifelines is not made for threads."""
    expected: dict[str, Any] = {name: lifelines_fit(*sample(), name) for name in DISTRIBUTIONS[1:4]}
    found: dict[str, Any] = {}

    def fit(name: Distribution) -> None:
        found[name] = lifelines_fit(*sample(), name)

    threads = [threading.Thread(target=fit, args=(name,)) for name in DISTRIBUTIONS[1:4]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, parameters in expected.items():
        np.testing.assert_array_equal(found[name], parameters)


def test_filters_of_warnings_are_left_as_they_were() -> None:
    before = list(warnings.filters)
    lifelines_fit(*sample(), "log-normal")
    assert list(warnings.filters) == before


def test_lifelines_is_loaded_on_first_use_alone() -> None:
    command = (
        "import sys, app.analysis.parametric_summary; sys.exit('lifelines' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0  # noqa: S603  our own line
