"""Parametric models fitted by lifelines, which is imported on first use: that takes seconds."""

import warnings
from functools import cache
from threading import Lock
from typing import Any, ClassVar

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.parametric_families import Distribution
from app.analysis.parametric_likelihood import LogTimes

#: For more lifelines takes minutes, and Newton's method seconds without it.
MAX_ROWS = 2_000
INTERCEPT = "Intercept"
COLUMNS = {"event_col": "event", "weights_col": "weight", "entry_col": "entry"}
#: autograd, by which lifelines differentiates, keeps its place in a global variable.
_one_at_a_time = Lock()


def lifelines_fit(data: LogTimes, distribution: Distribution) -> FloatArray | None:
    """Return the parameters that lifelines arrives at, in our order, or None where it gives up or would take long.

    They are near the maximum, not at it: on the reference files its log-likelihoods are up to 1e-4 too low.

    Source: Davidson-Pilon, J Open Source Softw 2019;4:1317.
    """
    if data.log_time.size > MAX_ROWS:
        return None
    centre = float(np.average(data.log_time, weights=data.weight))
    with _one_at_a_time, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # whatever they are about, the caller goes on from here
        try:
            parameters = _fitted(data, distribution, centre)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):  # what it says of odd samples
            return None
    parameters[0] += centre
    return parameters


def _fitted(data: LogTimes, distribution: Distribution, centre: float) -> FloatArray:
    from pandas import DataFrame  # type: ignore[import-untyped]  # noqa: PLC0415  takes seconds, as lifelines does

    names = [INTERCEPT, *(f"x{column:04}" for column in range(1, data.covariates.shape[1]))]
    frame = DataFrame(data.covariates, columns=names)
    frame["time"], frame["entry"] = np.exp(data.log_time - centre), np.exp(data.log_entry - centre)
    frame["event"], frame["weight"] = data.event, data.weight
    fitter, parameters = _fitter(distribution)
    location, *others = parameters
    options: dict[str, Any] = {}
    if len(parameters) == 2:
        frame = frame.drop(columns=INTERCEPT)  # these fitters have their own
    else:
        options["regressors"] = {location: names} | {other: [INTERCEPT] for other in others}
    found = fitter.fit(frame, "time", **COLUMNS, **options).params_
    coefficients = [found[location, name] for name in names]
    last = [found[other, INTERCEPT] for other in others]
    if distribution in ("weibull", "log-logistic"):  # whose second parameter is the logarithm of 1 / scale
        last = [-last[0]]
    return np.array([*coefficients, *last])


def _fitter(distribution: Distribution) -> tuple[Any, tuple[str, ...]]:
    """Return a fitter of lifelines, and its parameters in our order."""
    import lifelines  # noqa: PLC0415  takes seconds

    if distribution == "exponential":
        return _exponential_class()(), ("mu_",)
    if distribution == "generalized-gamma":
        return lifelines.GeneralizedGammaRegressionFitter(), ("mu_", "sigma_", "lambda_")
    if distribution == "weibull":
        return lifelines.WeibullAFTFitter(), ("lambda_", "rho_")
    if distribution == "log-normal":
        return lifelines.LogNormalAFTFitter(), ("mu_", "sigma_")
    return lifelines.LogLogisticAFTFitter(), ("alpha_", "beta_")


@cache
def _exponential_class() -> Any:
    """Return the model that lifelines lacks, as its guide to custom regression models has it."""
    from autograd import numpy as autograd_numpy  # type: ignore[import-untyped]  # noqa: PLC0415
    from lifelines.fitters import ParametricRegressionFitter  # noqa: PLC0415

    class ExponentialFitter(ParametricRegressionFitter):  # type: ignore[misc]  # it has no types
        _fitted_parameter_names: ClassVar[list[str]] = ["mu_"]

        def _cumulative_hazard(self, params: Any, times: Any, covariates: Any) -> Any:
            return times * autograd_numpy.exp(-(covariates["mu_"] @ params["mu_"]))

        def _log_hazard(self, params: Any, times: Any, covariates: Any) -> Any:  # noqa: ARG002  its signature
            return -(covariates["mu_"] @ params["mu_"])

    return ExponentialFitter
