"""The ridge penalty: by hand, its limits, and against lifelines, whose Efron ties take weights otherwise than rows."""

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.cox import NoMaximumError, cox_regression
from app.analysis.errors import NoEstimateError
from app.analysis.observations import Observations, observe
from tests.analysis.cox_samples import FOUR_DEATHS, column, covariates_of, replicated, samples

GENERATOR = np.random.default_rng(3)
SIZE = 120
X: FloatArray = np.column_stack(
    (GENERATOR.normal(60, 10, SIZE), GENERATOR.integers(0, 2, SIZE), GENERATOR.normal(0, 0.1, SIZE))
)
TIME = np.ceil(GENERATOR.exponential(np.exp(X[:, 1] - 0.05 * (X[:, 0] - 60)) * 10))
EVENT = GENERATOR.random(SIZE) < 0.7
WEIGHT = GENERATOR.integers(1, 4, SIZE)


def lifelines_fit(rows: IntArray, penalizer: float) -> tuple[FloatArray, FloatArray]:
    """Return lifelines' coefficients and their errors, for a sample of the rows named."""
    from lifelines import CoxPHFitter  # noqa: PLC0415 - takes seconds

    frame = pd.DataFrame(X[rows]).assign(time=TIME[rows], event=EVENT[rows])
    fitter = CoxPHFitter(penalizer=penalizer, l1_ratio=0.0)
    fitter.fit(frame, "time", "event", fit_options={"precision": 1e-12})
    return fitter.params_.to_numpy(), fitter.standard_errors_.to_numpy()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("penalizer", [0.0, 0.05, 0.5])
def test_it_is_that_of_lifelines(penalizer: float, weighted: bool) -> None:
    weight = WEIGHT if weighted else np.ones(SIZE, dtype=int)
    observations = observe(TIME, EVENT, weight=weight, group=range(SIZE))
    model = cox_regression(observations, X[observations.groups], penalizer=penalizer)
    coefficient, standard_error = lifelines_fit(np.repeat(np.arange(SIZE), weight), penalizer)
    np.testing.assert_allclose(model.coefficient, coefficient, rtol=1e-6)
    np.testing.assert_allclose(model.standard_error, standard_error, rtol=1e-6)


def test_a_monotone_likelihood_has_a_penalised_maximum_by_hand() -> None:
    """Two at risk, x = 1 dies: log L = b - log(e^b + 1), with n = 2 and Var(x) = 1/2 less p b^2 / 2.

    Its derivative 1 / (e^b + 1) - p b is 0 at b = log 2 for p = 1 / (3 log 2).
    """
    observations, x = observe([1, 2], [True, False], group=[0, 1]), column(1, 0)
    model = cox_regression(observations, x, penalizer=1 / (3 * np.log(2)))
    assert model.hazard_ratio == pytest.approx([2])
    assert model.standard_error == pytest.approx([(2 / 9 + 1 / (3 * np.log(2))) ** -0.5])
    assert model.log_likelihood == pytest.approx(np.log(2 / 3))
    assert np.isnan([model.score_statistic, model.robust_score_statistic]).all()
    with pytest.raises(NoMaximumError) as error:
        cox_regression(observations, x)
    assert (error.value.columns, error.value.monotone) == ([0], True)


def test_collinear_covariates_share_their_coefficient() -> None:
    x = column(0, 1, 1, 0) @ np.ones((1, 2))
    model = cox_regression(FOUR_DEATHS, x, penalizer=0.1)
    assert model.coefficient[0] == pytest.approx(model.coefficient[1])
    assert np.isfinite(model.standard_error).all()


def test_a_constant_is_refused_all_the_same() -> None:
    with pytest.raises(NoMaximumError) as error:
        cox_regression(FOUR_DEATHS, np.array([[1.0, 5], [0, 5], [0, 5], [1, 5]]), penalizer=1)
    assert error.value.columns == [1]


@given(st.data(), samples(min_size=4), st.floats(0.01, 2), st.floats(1e-3, 1e3))
@settings(deadline=None)
def test_unit_of_the_covariate_and_merging_of_rows_do_not_matter(
    data: st.DataObject, observations: Observations, penalizer: float, unit: float
) -> None:
    x = data.draw(covariates_of(observations, 1))
    try:
        model = cox_regression(observations, x, penalizer=penalizer)
    except NoEstimateError:
        return
    other = cox_regression(*replicated(observations, x * unit), penalizer=penalizer)
    np.testing.assert_allclose(other.coefficient * unit, model.coefficient, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other.model_based_standard_error * unit, model.model_based_standard_error, rtol=1e-6)
