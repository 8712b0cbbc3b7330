"""What parametric models cost against lifelines.

Run with `python -m bench.parametric [--quick] [sizes]`; take the ratios of one run, not the milliseconds.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator

import lifelines
import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from app.analysis.observations import observe
from app.analysis.parametric import parametric_regression
from app.analysis.parametric_families import Distribution
from bench.markdown import figure, section, sizes_asked_for, table
from bench.timing import seconds

COVARIATES = 5
EFFECTS = np.array([0.5, -0.3, 0.0, 0.2, 0.1])
FITTERS: dict[Distribution, Callable[[], lifelines.fitters.BaseFitter]] = {
    "weibull": lifelines.WeibullAFTFitter,
    "log-normal": lifelines.LogNormalAFTFitter,
    "log-logistic": lifelines.LogLogisticAFTFitter,
    "generalized-gamma": lifelines.GeneralizedGammaRegressionFitter,
}
"""It has no exponential one."""


def rows_of(size: int) -> Iterator[tuple[str, ...]]:
    """Yield what each costs at a number of subjects, of whom about 70 % have the event."""
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
        yield f"{size:,}", distribution, figure(1e3 * ours), figure(1e3 * theirs), figure(theirs / ours)


def main(sizes: Iterable[int]) -> None:
    """Print the costs, and their ratios."""
    warnings.simplefilter("ignore")
    head = "subjects", "parametric model of 5 covariates", "Atrisk, ms", "lifelines, ms", "lifelines : Atrisk"
    section("Parametric models", *table(head, *(row for size in sizes for row in rows_of(size))))


if __name__ == "__main__":
    main(sizes_asked_for(1_000, 10_000))
