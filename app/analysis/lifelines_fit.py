"""Parametric models fitted by lifelines, which is imported on first use: that takes seconds."""

import warnings
from threading import Lock
from typing import Any

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.observations import Observations
from app.analysis.parametric_families import Distribution

#: Of 1,400 samples of 7 to 12 rows with late entries 16 had a higher maximum of log-logistic times than Newton's method
#: found alone, and lifelines led to 11 of these; of 3,000 fits to 80 to 600 rows 2 missed the highest.
MAX_ROWS = 200
INTERCEPT = "Intercept"
COLUMNS = {"event_col": "event", "weights_col": "weight", "entry_col": "entry"}
#: autograd, by which lifelines differentiates, keeps its place in a global variable.
_one_at_a_time = Lock()


def lifelines_fit(observations: Observations, covariates: FloatArray, distribution: Distribution) -> FloatArray | None:
    """Return the parameters that lifelines arrives at, in our order, or None where it gives up or would take long.

    They are near the maximum, not at it: on the reference files its log-likelihoods are up to 1e-4 too low. It has no
    exponential times.

    Parameters
    ----------
    covariates : shape [n, p], rows in the order of the sample's sorted rows

    Source: Davidson-Pilon, J Open Source Softw 2019;4:1317.
    """
    if observations.size > MAX_ROWS:
        return None
    centre = float(np.exp(np.average(np.log(observations.time), weights=observations.weights)))
    with _one_at_a_time, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # whatever they are about, the caller goes on from here
        try:
            parameters = _fitted(observations, covariates, distribution, centre)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):  # what it says of odd samples
            return None
    parameters[0] += np.log(centre)
    return parameters


def _fitted(
    observations: Observations, covariates: FloatArray, distribution: Distribution, centre: float
) -> FloatArray:
    from pandas import DataFrame  # type: ignore[import-untyped]  # noqa: PLC0415  takes seconds, as lifelines does

    names = [INTERCEPT, *(f"x{column:04}" for column in range(covariates.shape[1]))]
    frame = DataFrame(np.column_stack((np.ones(observations.size), covariates)), columns=names)
    entry = np.zeros(observations.size) if observations.entry is None else observations.entry
    frame["time"], frame["entry"] = observations.time / centre, entry / centre
    frame["event"], frame["weight"] = observations.event, observations.weights
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

    if distribution == "generalized-gamma":
        return lifelines.GeneralizedGammaRegressionFitter(), ("mu_", "sigma_", "lambda_")
    if distribution == "weibull":
        return lifelines.WeibullAFTFitter(), ("lambda_", "rho_")
    if distribution == "log-normal":
        return lifelines.LogNormalAFTFitter(), ("mu_", "sigma_")
    return lifelines.LogLogisticAFTFitter(), ("alpha_", "beta_")
