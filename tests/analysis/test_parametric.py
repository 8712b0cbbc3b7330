"""Parametric models: cases by hand, edges, a literal likelihood, and what changes nothing."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.analysis import parametric, parametric_maximum
from app.analysis.arrays import FloatArray
from app.analysis.errors import InvalidObservationsError, NoEstimateError
from app.analysis.hypothesis_test import TOO_FEW_CLUSTERS
from app.analysis.observations import Observations, observe
from app.analysis.parametric import NOT_CONVERGED, parametric_regression
from app.analysis.parametric_families import Distribution, family
from tests.analysis.parametric_samples import DISTRIBUTIONS, aligned, literal_log_likelihood
from tests.strategies import Rows, rows

EVERY = pytest.mark.parametrize("distribution", DISTRIBUTIONS)
USUAL = pytest.mark.parametrize("distribution", DISTRIBUTIONS[:4])


@pytest.fixture(autouse=True, scope="module")
def without_lifelines() -> Iterator[None]:
    """Newton's method gets there alone, too, and a hundred times as fast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parametric_maximum, "lifelines_fit", lambda *_: None)
        yield


def alone(sample: Observations) -> FloatArray:
    """Return the covariates of a model of the intercept alone."""
    return np.empty((sample.size, 0))


def test_exponential_times_by_hand() -> None:
    """3 events in (4 - 1) + 2 x 5 + 7 + 1 = 21: mean 7, log L = 3 log(1 / 7) - 3, se(log mean) = 1 / sqrt(3)."""
    sample = observe([4, 5, 7, 1], [0, 1, 0, 1], entry=[1, 0, 0, 0], weight=[1, 2, 1, 1])
    model = parametric_regression(sample, alone(sample), "exponential")
    assert model.time_ratio == pytest.approx([7])
    assert model.standard_error == pytest.approx([3**-0.5])
    assert model.log_likelihood == pytest.approx(-3 * np.log(7) - 3)
    assert model.aic == pytest.approx(2 + 6 * np.log(7) + 6)
    assert (model.log_scale, model.shape, model.parameters.size, model.reason) == (0, 0, 1, None)


def test_time_ratio_of_exponential_groups_by_hand() -> None:
    """2 events in 10 and 1 in 20: means 5 and 20, ratio 4, se(log ratio) = sqrt(1 / 2 + 1)."""
    model = parametric_regression(*aligned([4, 6, 8, 12], [1, 1, 0, 1], [0, 0, 1, 1]), "exponential")
    assert model.time_ratio == pytest.approx([5, 4])
    assert model.standard_error[1] == pytest.approx(1.5**0.5)
    assert model.z[1] == pytest.approx(np.log(4) / 1.5**0.5)
    width = np.exp(1.959963984540054 * 1.5**0.5)
    assert (model.lower[1], model.upper[1]) == pytest.approx((4 / width, 4 * width))
    assert model.p_value[1] == pytest.approx(math.erfc(np.log(4) / 1.5**0.5 / 2**0.5))


def test_log_normal_times_without_censoring_by_hand() -> None:
    """Log times 0, 1, 2, 5: mean 2, population variance 14 / 4; se s / sqrt(n), and 1 / sqrt(2 n) of log s."""
    sample = observe(np.exp([0, 1, 2, 5]), [1, 1, 1, 1])
    model = parametric_regression(sample, alone(sample), "log-normal")
    assert model.coefficient == pytest.approx([2])
    assert model.log_scale == pytest.approx(0.5 * np.log(3.5))
    assert np.diag(model.covariance) == pytest.approx([3.5 / 4, 1 / 8])
    assert model.parameter(1).upper == pytest.approx(0.5 * np.log(3.5) + 1.959963984540054 / 8**0.5)


@EVERY
def test_a_sample_without_events_has_no_model(distribution: Distribution) -> None:
    with pytest.raises(NoEstimateError, match="no events"):
        parametric_regression(*aligned([1, 2], [0, 0], [0, 1]), distribution)


def test_a_time_of_0_has_no_logarithm() -> None:
    with pytest.raises(InvalidObservationsError, match="a time of 0 has no logarithm"):
        parametric_regression(*aligned([0, 2], [0, 1], [0, 1]), "weibull")


@pytest.mark.parametrize("covariates", [np.zeros(2), np.zeros((1, 1)), np.array([[0.0], [np.nan]])])
def test_covariates_are_finite_and_a_row_for_each_row(covariates: Any) -> None:
    with pytest.raises(InvalidObservationsError, match="covariates"):
        parametric_regression(observe([1, 2], [1, 1]), covariates, "weibull")


@pytest.mark.parametrize(
    ("covariates", "columns"),
    [([[1, 5], [2, 5], [4, 5]], "1"), ([[1, 3], [2, 5], [4, 9]], "0, 1"), ([[0], [0], [0]], "0")],
)
def test_covariates_that_do_not_vary_on_their_own_have_no_model(covariates: Any, columns: str) -> None:
    with pytest.raises(NoEstimateError, match=f"columns {columns} do not vary"):
        parametric_regression(*aligned([1, 2, 3], [1, 1, 1], covariates), "weibull")


@EVERY
def test_a_group_without_events_has_no_time_ratio(distribution: Distribution) -> None:
    """The likelihood rises as long as its times become longer."""
    model = parametric_regression(*aligned([2, 3, 5, 7, 8], [0, 1, 1, 0, 0], [0, 0, 0, 1, 1]), distribution)
    assert not model.converged
    assert model.reason == NOT_CONVERGED
    assert np.isnan([*model.coefficient, *model.standard_error, model.aic, model.parameter(0).upper]).all()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS[1:])
def test_events_all_at_the_time_that_a_model_says_have_no_scale(distribution: Distribution) -> None:
    sample = observe([1, 3, 3], [0, 1, 1])
    assert not parametric_regression(sample, alone(sample), distribution).converged


@USUAL
def test_times_as_far_apart_as_numbers_go_do_no_harm(distribution: Distribution) -> None:
    sample = observe([1e-300, 1e-20, 1, 1e15], [1, 1, 0, 1])
    model = parametric_regression(sample, alone(sample), distribution)
    assert model.converged
    assert model.log_likelihood > -2000


def test_errors_are_robust_by_row_by_cluster_or_not_at_all() -> None:
    """Exponential times of mean m: a row adds (t - m d) / m to the derivative by log m, and I = events."""
    time, event, cluster = np.array([1.0, 2, 6, 7]), np.array([1, 1, 0, 1]), np.array([0, 0, 1, 1])
    added = time / (16 / 3) - event
    sample, x = aligned(time, event, [])
    naive, by_row = (parametric_regression(sample, x, "exponential", robust=robust) for robust in (False, True))
    assert naive.standard_error == pytest.approx([3**-0.5])
    assert by_row.standard_error == pytest.approx([np.sqrt((added**2).sum()) / 3])
    by_cluster = parametric_regression(*aligned(time, event, [], cluster=cluster), "exponential")
    sums = np.array([added[:2].sum(), added[2:].sum()])
    assert by_cluster.standard_error == pytest.approx([np.sqrt((sums**2).sum()) / 3])
    assert by_cluster.coefficient == pytest.approx(naive.coefficient)


def test_robust_errors_exist_where_a_covariate_is_far_larger_than_others() -> None:
    """A variance that is a difference of large numbers may come out below 0."""
    x = [
        [0, 0, 1],
        [0, 0, 1],
        [0, 1, 0],
        [0, 0, 0],
        [0, 0, 0],
        [0.1, 1, 0],
        [0, 0, 0],
        [0, 1, 0],
        [1e6, 0, 0],
        [1e6, 0, 0],
    ]
    sample, covariates = aligned([1] * 10, [1, 0, 0, 1, 1, 1, 1, 0, 0, 0], x)
    model = parametric_regression(sample, covariates, "exponential", robust=True)
    assert np.all(model.standard_error > 0)


def test_with_no_more_clusters_than_parameters_there_is_no_robust_error() -> None:
    model = parametric_regression(*aligned([1, 2, 4, 7], [1, 1, 0, 1], [], cluster=[0, 0, 1, 1]), "weibull")
    assert model.converged
    assert np.isnan(model.standard_error).all()
    assert np.isfinite(model.coefficient).all()
    assert model.reason == TOO_FEW_CLUSTERS


def test_sampling_weights_scale_nothing() -> None:
    """Weights as small as numbers in use give the estimates and the robust errors of weights of 1."""
    models = [
        parametric_regression(
            *aligned([1, 2, 4, 7, 9], [1, 1, 0, 1, 1], [], weight=[size] * 5, sampling=True), "log-logistic"
        )
        for size in (1.0, 1e-9, 1e9)
    ]
    for model in models[1:]:
        np.testing.assert_allclose(model.parameters, models[0].parameters, rtol=1e-8)
        np.testing.assert_allclose(model.covariance, models[0].covariance, rtol=1e-7)


@st.composite
def samples(draw: st.DrawFn) -> tuple[Rows, list[list[int]]]:
    """Draw a sample with times above 0 and events, and two covariates of its rows."""
    sample = draw(rows(min_size=6, max_size=12, group=False, cluster=False))
    assume(sum(sample.cause) > 3)
    x = draw(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=sample.size, max_size=sample.size))
    assume(np.linalg.matrix_rank(np.column_stack((np.ones(len(x)), x))) == 3)
    return replace(sample, time=[time + 1 for time in sample.time]), x


def fitted(sample: Rows, x: list[list[int]], distribution: Distribution) -> parametric.ParametricModel:
    columns = sample.columns()
    return parametric_regression(*aligned(columns.pop("time"), columns.pop("cause"), x, **columns), distribution)


def assert_maximum(sample: Observations, covariates: FloatArray, model: parametric.ParametricModel) -> None:
    """Assert that a model has the likelihood that textbook densities give, and a step to either side has less."""
    highest = literal_log_likelihood(sample, covariates, model.distribution, *model.parameters)
    assert model.log_likelihood == pytest.approx(highest, abs=1e-7)
    for place, error in enumerate(np.sqrt(np.diag(model.covariance))):
        for side in (-1e-3, 1e-3):
            moved = model.parameters.copy()
            moved[place] += side * min(error, 1)
            assert literal_log_likelihood(sample, covariates, model.distribution, *moved) <= highest + 1e-9


@USUAL
@given(samples())
@settings(deadline=None, max_examples=25)
def test_the_estimate_is_the_maximum_of_the_literal_likelihood(
    distribution: Distribution, drawn: tuple[Rows, list[list[int]]]
) -> None:
    sample, x = drawn
    model = fitted(sample, x, distribution)
    assume(model.converged and np.abs(model.parameters).max() < 20)
    columns = sample.columns()
    assert_maximum(*aligned(columns.pop("time"), columns.pop("cause"), x, **columns), model)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("shape", [-0.7, 0.5, 1.4])
def test_generalized_gamma_models_are_the_maximum_of_the_literal_likelihood(shape: float, late: bool) -> None:
    """Of 80 times at the quantiles of a distribution, one in five censored."""
    places = np.arange(80)
    x = places % 3 / 2
    time = np.exp(1 + x + 0.5 * family("generalized-gamma", shape).quantile((places * 37 % 80 + 0.5) / 80))
    columns: dict[str, Any] = {"entry": time * (places % 4) / 4, "weight": 1 + places % 3} if late else {}
    sample, covariates = aligned(time, places % 5 > 0, x, **columns)
    model = parametric_regression(sample, covariates, "generalized-gamma")
    assert model.converged
    assert model.shape == pytest.approx(shape, abs=0.6)
    assert_maximum(sample, covariates, model)


@given(samples(), st.sampled_from(DISTRIBUTIONS[:4]))
@settings(deadline=None, max_examples=40)
def test_subjects_in_rows_weighted_or_cut_in_two_are_the_same(
    drawn: tuple[Rows, list[list[int]]], distribution: Distribution
) -> None:
    """But with late entries, for which the likelihood of log-logistic times has several maxima in samples so small."""
    sample, x = drawn
    assume(sample.entry is None or distribution != "log-logistic")
    model = fitted(sample, x, distribution)
    assume(model.converged)
    weight = sample.weight or [1] * sample.size
    replicated = [row for row, count in zip(x, weight, strict=True) for _ in range(count)]
    for other in (
        fitted(sample.replicated(), replicated, distribution),
        fitted(sample.cut_in_two(), x + x, distribution),
    ):
        assert other.log_likelihood == pytest.approx(model.log_likelihood, abs=1e-7)
        np.testing.assert_allclose(other.parameters, model.parameters, rtol=1e-5, atol=1e-5)


@given(samples(), st.data())
@settings(deadline=None, max_examples=30)
def test_the_order_of_rows_changes_no_bit(drawn: tuple[Rows, list[list[int]]], data: st.DataObject) -> None:
    """Where the sample's groups are codes of its covariates, as those of requests are."""
    sample, x = drawn
    order = data.draw(st.permutations(range(sample.size)))
    distribution = data.draw(st.sampled_from(DISTRIBUTIONS[:4]))
    known = sorted(map(tuple, x))

    def model(places: Any) -> parametric.ParametricModel:
        taken = sample.take(places)
        coded = replace(taken, group=[known.index(tuple(x[place])) for place in places]).observe()
        return parametric_regression(coded, np.array(known, dtype=np.float64)[coded.groups], distribution)

    first, second = model(range(sample.size)), model(order)
    np.testing.assert_array_equal(first.parameters, second.parameters)
    np.testing.assert_array_equal(first.covariance, second.covariance)


@given(samples(), st.sampled_from(DISTRIBUTIONS[:4]), st.sampled_from([1e-6, 0.5, 365.25, 1e6]))
@settings(deadline=None, max_examples=40)
def test_another_unit_of_time_moves_the_intercept_alone(
    drawn: tuple[Rows, list[list[int]]], distribution: Distribution, unit: float
) -> None:
    sample, x = drawn
    entry = None if sample.entry is None else [unit * start for start in sample.entry]
    scaled = replace(sample, time=[unit * time for time in sample.time], entry=entry)
    assume(entry is None or distribution != "log-logistic")
    model, other = fitted(sample, x, distribution), fitted(scaled, x, distribution)
    assume(model.converged)
    assert other.coefficient[0] - model.coefficient[0] == pytest.approx(np.log(unit), abs=1e-5)
    np.testing.assert_allclose(other.coefficient[1:], model.coefficient[1:], rtol=1e-5, atol=1e-5)
    assert other.log_scale == pytest.approx(model.log_scale, abs=1e-5)
