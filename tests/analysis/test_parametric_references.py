"""Parametric models against R's survreg and against lifelines."""

import warnings
from typing import Any, ClassVar

import numpy as np
import pytest
from pandas import DataFrame  # type: ignore[import-untyped]

from app.analysis.arrays import FloatArray
from app.analysis.observations import Observations
from app.analysis.parametric import parametric_regression
from app.analysis.parametric_families import Distribution
from app.analysis.parametric_predictions import predicted_survival, predicted_times
from tests.analysis.parametric_samples import BLOCKS, DISTRIBUTIONS, IDS, NAMES, of_block, profile_of_block
from tests.references import assert_equal_to_r, blocks

Block = dict[str, Any]


@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=IDS)
def test_models_and_predictions_equal_those_of_r(name: str, block: Block) -> None:
    sample, covariates = of_block(name, block)
    for r_name, expected in block["models"].items():
        model = parametric_regression(sample, covariates, NAMES[r_name])
        parameters = expected["parameters"]
        assert sample.size == expected["n"]
        assert_equal_to_r(model.parameters, [one["value"] for one in parameters], rtol=1e-8)
        assert_equal_to_r(model.covariance, expected["vcov"], rtol=1e-7)
        assert_equal_to_r(np.exp(model.log_scale), expected["scale"], rtol=1e-8)
        assert_equal_to_r(model.log_likelihood, expected["loglik"]["model"], rtol=1e-12)
        assert_equal_to_r(model.aic, expected["aic"], rtol=1e-12)
        for figures, key in ((model.standard_error, "std_err"), (model.z, "z"), (model.p_value, "p_value")):
            assert_equal_to_r(figures, [one[key] for one in parameters][: figures.size], rtol=1e-6)
        quantiles = expected["quantiles"]
        profile, probabilities = profile_of_block(name, block, expected), np.array(quantiles["probs"])
        times = predicted_times(model, profile, probabilities)
        assert_equal_to_r(times.estimate[0], quantiles["value"], rtol=1e-8)
        assert_equal_to_r(times.standard_error[0], quantiles["std_err"], rtol=1e-7)
        survival = predicted_survival(model, profile, np.array(quantiles["value"]))
        assert_equal_to_r(survival.estimate[0], 1 - probabilities, rtol=1e-8)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_models_of_covariates_are_at_least_as_likely_as_those_of_lifelines(distribution: Distribution) -> None:
    """Its parameters agree to three digits of their standard errors."""
    sample, covariates = of_block("lung", next(b for b in blocks("lung", "parametric") if b["id"] == "covariates"))
    model = parametric_regression(sample, covariates, distribution)
    likelihood, parameters = lifelines_model(distribution, sample, covariates)
    assert 0 <= model.log_likelihood - likelihood < 1e-3
    np.testing.assert_array_less(np.abs(model.parameters - parameters) / np.sqrt(np.diag(model.covariance)), 5e-3)


def lifelines_model(
    distribution: Distribution, sample: Observations, covariates: FloatArray
) -> tuple[float, list[float]]:
    """Return the log-likelihood and the parameters, in our order, that lifelines arrives at."""
    import lifelines  # noqa: PLC0415  takes seconds

    fitter, names, sign = {
        "exponential": (exponential_fitter, ("mu_",), 1),
        "weibull": (lifelines.WeibullAFTFitter, ("lambda_", "rho_"), -1),
        "log-normal": (lifelines.LogNormalAFTFitter, ("mu_", "sigma_"), 1),
        "log-logistic": (lifelines.LogLogisticAFTFitter, ("alpha_", "beta_"), -1),
        "generalized-gamma": (lifelines.GeneralizedGammaRegressionFitter, ("mu_", "sigma_", "lambda_"), 1),
    }[distribution]
    terms = [f"x{place}" for place in range(covariates.shape[1])]
    frame = DataFrame(covariates, columns=terms).assign(time=sample.time, event=sample.event, weight=sample.weights)
    location, *others = names
    formula = {location: " + ".join(terms)} | dict.fromkeys(others, "1")
    options = {} if len(names) == 2 else {"regressors": dict(sorted(formula.items()))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = fitter().fit(frame, "time", "event", weights_col="weight", **options)
    coefficients = [found.params_[location, term] for term in ("Intercept", *terms)]
    return found.log_likelihood_, [*coefficients, *(sign * found.params_[other, "Intercept"] for other in others)]


def exponential_fitter() -> Any:
    """Return the model that lifelines lacks, as its guide to custom regression models has it."""
    from autograd import numpy as autograd_numpy  # type: ignore[import-untyped]  # noqa: PLC0415
    from lifelines.fitters import ParametricRegressionFitter  # noqa: PLC0415  takes seconds

    class ExponentialFitter(ParametricRegressionFitter):  # type: ignore[misc]  # it has no types
        _fitted_parameter_names: ClassVar[list[str]] = ["mu_"]

        def _cumulative_hazard(self, params: Any, times: Any, covariates: Any) -> Any:
            return times * autograd_numpy.exp(-(covariates["mu_"] @ params["mu_"]))

    return ExponentialFitter()


@pytest.mark.parametrize("name", ["kidney", "melanoma"])
def test_generalized_gamma_models_are_at_least_as_likely_as_those_of_lifelines(name: str) -> None:
    """Its parameters agree to three digits, and so do its standard errors."""
    from lifelines import GeneralizedGammaRegressionFitter  # noqa: PLC0415  takes a second

    sample, _ = of_block(name, blocks(name, "parametric")[0])
    model = parametric_regression(sample, np.empty((sample.size, 0)), "generalized-gamma")
    frame = DataFrame({"time": sample.time, "event": sample.event})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # In alphabetical order: in any other lifelines mistakes the standard error of one parameter for another's.
        regressors = {"lambda_": "1", "mu_": "1", "sigma_": "1"}
        found = GeneralizedGammaRegressionFitter().fit(frame, "time", "event", regressors=regressors)
    assert 0 <= model.log_likelihood - found.log_likelihood_ < 1e-3
    order = [("mu_", "Intercept"), ("sigma_", "Intercept"), ("lambda_", "Intercept")]
    np.testing.assert_allclose(model.parameters, found.params_[order], rtol=2e-3)
    np.testing.assert_allclose(np.sqrt(np.diag(model.covariance)), found.standard_errors_[order], rtol=2e-3)
