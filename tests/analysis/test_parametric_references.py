"""Parametric models against R's survreg and against lifelines."""

import warnings
from typing import Any

import numpy as np
import pytest

from app.analysis.parametric import parametric_regression
from app.analysis.parametric_predictions import predicted_survival, predicted_times
from tests.analysis.parametric_samples import BLOCKS, IDS, NAMES, of_block, profile_of_block
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


@pytest.mark.parametrize("name", ["kidney", "melanoma"])
def test_generalized_gamma_models_are_at_least_as_likely_as_those_of_lifelines(name: str) -> None:
    """Its parameters agree to three digits, and so do its standard errors."""
    from lifelines import GeneralizedGammaRegressionFitter  # noqa: PLC0415  takes a second
    from pandas import DataFrame  # type: ignore[import-untyped]  # noqa: PLC0415

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
