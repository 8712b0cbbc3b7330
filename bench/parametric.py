"""What parametric models cost against lifelines.

Run with `python -m bench.parametric [sizes]`; take the ratios of one run, not the milliseconds.
"""

import sys
import time
import warnings
from collections.abc import Callable

import lifelines
import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from app.analysis.observations import observe
from app.analysis.parametric import parametric_regression
from app.analysis.parametric_families import Distribution

COVARIATES = 5
EFFECTS = np.array([0.5, -0.3, 0.0, 0.2, 0.1])
FITTERS: dict[Distribution, Callable[[], lifelines.fitters.BaseFitter]] = {
    "weibull": lifelines.WeibullAFTFitter,
    "log-normal": lifelines.LogNormalAFTFitter,
    "log-logistic": lifelines.LogLogisticAFTFitter,
    "generalized-gamma": lifelines.GeneralizedGammaRegressionFitter,
}
"""It has no exponential one."""


def seconds(function: Callable[[], object], least: float = 1.0) -> float:
    """Return the shortest of the times that fit in some seconds, one at least."""
    best, until = np.inf, time.perf_counter() + least
    while True:
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
        if time.perf_counter() > until:
            return best


def measure(size: int) -> None:
    """Print what each costs at a number of subjects, of whom about 70 % have the event."""
    generator = np.random.default_rng(1)
    x = generator.normal(size=(size, COVARIATES))
    event_time, end = np.exp(x @ EFFECTS) * generator.weibull(1.5, size), generator.exponential(3, size)
    time_, event = np.minimum(event_time, end), event_time <= end
    sample = observe(time_, event, group=np.arange(size))
    covariates = x[sample.groups]
    names = [f"x{place}" for place in range(COVARIATES)]
    frame = pd.DataFrame(x, columns=names).assign(time=time_, event=event)
    formula = {"mu_": " + ".join(names), "sigma_": "1", "lambda_": "1"}
    for distribution, fitter in FITTERS.items():
        options = {"regressors": formula} if distribution == "generalized-gamma" else {}
        ours = seconds(lambda name=distribution: parametric_regression(sample, covariates, name))  # type: ignore[misc]
        theirs = seconds(lambda fit=fitter, more=options: fit().fit(frame, "time", "event", **more))  # type: ignore[misc]
        print(f"n = {size}, {distribution}: {1e3 * ours:.1f} ms, lifelines {1e3 * theirs:.0f} ({theirs / ours:.0f})")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for size in [int(size) for size in sys.argv[1:]] or [1_000, 10_000, 100_000]:
        measure(size)
