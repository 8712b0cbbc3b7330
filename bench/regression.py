"""What a Cox model costs against lifelines, and against no more than the sums that any NumPy kernel must make.

Run with `python -m bench.regression [--quick] [sizes]`; take the ratios of one run, not the milliseconds.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from lifelines import CoxPHFitter

from app.analysis.arrays import BoolArray, FloatArray
from app.analysis.cox import cox_regression
from app.analysis.design_matrix import distinct_rows
from app.analysis.observations import observe
from bench.markdown import figure, section, sizes_asked_for, table
from bench.timing import seconds

COVARIATES = 5
EFFECTS = np.array([0.5, -0.3, 0.0, 0.2, 0.1])


def data(size: int) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return covariates, times without ties, and events of 70 % of subjects."""
    generator = np.random.default_rng(1)
    x = generator.normal(size=(size, COVARIATES))
    time_ = generator.exponential(np.exp(-x @ EFFECTS))
    order = np.argsort(time_)
    time_[order] += 1e-6 * np.arange(size)  # no near-ties
    return x, time_, generator.random(size) < 0.7


def lower_bound(x: FloatArray, event: BoolArray, iterations: int) -> tuple[FloatArray, list[float]]:
    """Return Newton's coefficients and the log-likelihood before each step, which whoever halves steps must know.

    Rows are sorted by time, without ties; there are no checks, nor anything else that a service adds.
    """
    b, died = np.zeros(x.shape[1]), event.astype(np.float64)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    log_likelihoods = []
    for _ in range(iterations):
        predictor = x @ b
        risk = np.exp(predictor)
        weighted = risk[:, None] * x
        total = np.cumsum(risk[::-1])[::-1]
        mean = np.cumsum(weighted[::-1], axis=0)[::-1] / total[:, None]
        expected = risk * np.cumsum(died / total)
        score = (died - expected) @ x
        information = x.T @ (expected[:, None] * x) - mean.T @ (died[:, None] * mean)
        log_likelihoods.append(float(died @ (predictor - np.log(total))))
        b = b + np.linalg.solve(information, score)
    return b, log_likelihoods


def measure(size: int) -> dict[str, float]:
    """Return what each costs, in seconds, at a number of subjects."""
    x, time_, event = data(size)
    frame = pd.DataFrame(x, columns=[f"x{place}" for place in range(COVARIATES)]).assign(time=time_, event=event)
    order = np.argsort(time_)
    sorted_x, sorted_event = x[order], event[order]
    sample = observe(time_, event, group=np.argsort(order))
    distinct, place = distinct_rows(x)
    steps = cox_regression(sample, sorted_x).iterations

    def whole() -> object:
        observations = observe(time_, event, group=place)
        return cox_regression(observations, distinct[observations.groups])

    costs = {
        "lower bound": seconds(lambda: lower_bound(sorted_x, sorted_event, steps)),
        "fit": seconds(lambda: cox_regression(sample, sorted_x)),
        "observe and fit": seconds(whole),
        "lifelines": seconds(lambda: CoxPHFitter().fit(frame, "time", "event")),
    }
    if find_spec("sksurv"):
        costs["scikit-survival"] = seconds(_scikit_survival(x, time_, event))
    return costs


def _scikit_survival(x: FloatArray, time_: FloatArray, event: BoolArray) -> Callable[[], object]:
    model, util = import_module("sksurv.linear_model"), import_module("sksurv.util")
    outcome = util.Surv.from_arrays(event, time_)
    return lambda: model.CoxPHSurvivalAnalysis(ties="efron").fit(x, outcome)


def rows_of(costs: Mapping[str, float], size: int) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of a number of subjects."""
    for name, cost in costs.items():
        yield f"{size:,}", name, figure(1e3 * cost), figure(cost / costs["fit"])


def main(sizes: Iterable[int]) -> None:
    """Print the costs, and their ratios to that of the fit."""
    warnings.simplefilter("ignore")
    head = "subjects", "Cox model of 5 covariates", "ms", "it : fit"
    section("Cox models", *table(head, *(row for size in sizes for row in rows_of(measure(size), size))))


if __name__ == "__main__":
    main(sizes_asked_for(1_000, 10_000, 100_000))
