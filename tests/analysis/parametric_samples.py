"""Samples of parametric models: those of R's blocks, and literal likelihoods."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import gammainc, gammaincc

from app.analysis.arrays import FloatArray
from app.analysis.observations import Observations, observe
from app.analysis.parametric_families import Distribution
from tests.references import blocks, reference

Function = Callable[[float], float]

NAMES: dict[str, Distribution] = {
    "exponential": "exponential",
    "weibull": "weibull",
    "lognormal": "log-normal",
    "loglogistic": "log-logistic",
}
"""Of survreg, and ours."""

DISTRIBUTIONS: tuple[Distribution, ...] = (*NAMES.values(), "generalized-gamma")
FILES = ("aml", "kidney", "lung", "melanoma", "ovarian", "veteran")

BLOCKS = [(name, block) for name in FILES for block in blocks(name, "parametric")]
IDS = [f"{name}-{block['id']}" for name, block in BLOCKS]


def aligned(time: Any, event: Any, covariates: Any, **columns: Any) -> tuple[Observations, FloatArray]:
    """Return a sample whose rows are kept apart, and the covariates in the order of its rows."""
    x = np.asarray(covariates, dtype=np.float64).reshape(len(time), -1)
    sample = observe(time, event, group=range(len(time)), **columns)
    return sample, x[sample.groups]


def of_block(name: str, block: dict[str, Any]) -> tuple[Observations, FloatArray]:
    """Return the sample of a block and its covariates, factors coded as R codes them."""
    part, columns = block["inputs"], reference(name)["columns"]
    used = [columns[column] for column in (part["time"], part["event"], *part["covariates"])]
    time, event, *covariates = zip(*(row for row in zip(*used, strict=True) if None not in row), strict=True)
    coded = [_coded(name, *item) for item in zip(part["covariates"], covariates, strict=True)]
    return aligned(time, event, np.hstack([np.empty((len(time), 0)), *coded]))


def profile_of_block(name: str, block: dict[str, Any], model: dict[str, Any]) -> FloatArray:
    """Return the row of covariates that R predicts for."""
    profile = model["quantiles"]["profile"]
    coded = [_coded(name, column, [profile[column]]) for column in block["inputs"]["covariates"]]
    return np.hstack([np.empty((1, 0)), *coded])


def _coded(name: str, column: str, values: Any) -> FloatArray:
    levels = reference(name)["column_info"][column].get("levels")
    if levels is None:
        return np.array(values, dtype=np.float64)[:, None]
    return np.array([[value == level for level in levels[1:]] for value in values], dtype=np.float64)


def literal_log_likelihood(
    sample: Observations, covariates: FloatArray, distribution: Distribution, *at: float
) -> float:
    """Return the log-likelihood at coefficients, log scale and shape, from densities as textbooks have them."""
    size = covariates.shape[1] + 1
    coefficient, (log_scale, shape) = at[:size], (*at[size:], 0.0, 0.0)[:2]
    total = 0.0
    entry = np.zeros(sample.size) if sample.entry is None else sample.entry
    rows = zip(sample.time, sample.event, entry, sample.weights, covariates, strict=True)
    for end, is_event, start, weight, x in rows:
        location = coefficient[0] + float(x @ np.array(coefficient[1:]))
        density, survival = _textbook(distribution, location, math.exp(log_scale), shape)
        total += weight * math.log(density(end) if is_event else survival(end))
        total -= weight * math.log(survival(start)) if start > 0 else 0.0
    return total


def _textbook(distribution: Distribution, location: float, scale: float, shape: float) -> tuple[Function, Function]:
    """Return the density and the survival function of the times themselves."""
    k, median = 1 / scale, math.exp(location)
    if distribution in ("exponential", "weibull"):
        return (
            lambda t: k / median * (t / median) ** (k - 1) * math.exp(-((t / median) ** k)),
            lambda t: math.exp(-((t / median) ** k)),
        )
    if distribution == "log-normal":
        return (
            lambda t: math.exp(-(((math.log(t) - location) / scale) ** 2) / 2) / (t * scale * math.sqrt(2 * math.pi)),
            lambda t: math.erfc((math.log(t) - location) / scale / math.sqrt(2)) / 2,
        )
    if distribution == "log-logistic":
        return (
            lambda t: k / median * (t / median) ** (k - 1) / (1 + (t / median) ** k) ** 2,
            lambda t: 1 / (1 + (t / median) ** k),
        )
    # Stacy's form: (t / b)^p has a gamma distribution with parameter a.
    a, p = 1 / shape**2, abs(shape) / scale
    p = math.copysign(p, shape)
    b = median * a ** (-1 / p)
    return (
        lambda t: abs(p) / t * (t / b) ** (p * a) * math.exp(-((t / b) ** p)) / math.gamma(a),
        lambda t: float((gammaincc if p > 0 else gammainc)(a, (t / b) ** p)),
    )
