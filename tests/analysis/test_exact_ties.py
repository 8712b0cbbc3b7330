"""The exact partial likelihood: by hand, against all choices one by one, and against R."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.cox import cox_regression
from app.analysis.errors import InvalidParameterError
from app.analysis.exact_ties import exact_partial_likelihood
from app.analysis.observations import Observations, observe
from app.analysis.partial_likelihood import PartialLikelihood, partial_likelihood
from app.analysis.risk_sets import risk_sets
from tests.analysis.cox_samples import column, covariates_of, cox_block, in_sequence, sample_with_covariates, samples
from tests.references import assert_equal_to_r


def exact(observations: Observations, x: FloatArray, coefficient: FloatArray) -> PartialLikelihood:
    return exact_partial_likelihood(observations, risk_sets(observations, "breslow"), x)(coefficient)


def literal_log_likelihood(observations: Observations, x: FloatArray, coefficient: FloatArray) -> float:
    """Return the sum over event times of the log of the share of the choice made among all choices of as many."""
    weights = observations.weights.astype(int)
    entry = np.full(observations.size, -1.0) if observations.entry is None else observations.entry
    total = 0.0
    for time in np.unique(observations.time[observations.event]):
        at_risk = np.flatnonzero((entry < time) & (time <= observations.time))
        events = np.flatnonzero(observations.event & (observations.time == time))
        predictor = np.repeat(x[at_risk] @ coefficient, weights[at_risk])
        choices = combinations(predictor, int(weights[events].sum()))
        total += weights[events] @ x[events] @ coefficient - np.log(sum(np.exp(sum(choice)) for choice in choices))
    return float(total)


def test_two_of_three_by_hand() -> None:
    """Two of three die at once, one of them with x = 1: L = r / (1 + 2 r); at r = 1 score 1 - 2/3, information 2/9."""
    observations = observe([1, 1, 2], [True, True, False], group=range(3))
    at = exact(observations, column(0, 1, 0), np.zeros(1))
    assert at.log_likelihood == pytest.approx(-np.log(3))
    assert at.score == pytest.approx([1 / 3])
    assert at.information == pytest.approx(np.array([[2 / 9]]))


def test_all_of_those_at_risk_tell_nothing() -> None:
    observations = observe([1, 1, 1], [True] * 3, group=range(3))
    at = exact(observations, column(0, 1, 5), np.ones(1))
    assert (at.log_likelihood, at.score[0], at.information[0, 0]) == pytest.approx((0, 0, 0), abs=1e-12)


@given(st.data(), samples(), st.floats(-1, 1), st.floats(-1, 1))
@settings(deadline=None, max_examples=60)
def test_it_is_the_share_of_all_choices(data: st.DataObject, observations: Observations, a: float, b: float) -> None:
    x, coefficient, step = data.draw(covariates_of(observations, 2)), np.array([a, b]), 1e-5
    at = exact(observations, x, coefficient)
    assert at.log_likelihood == pytest.approx(literal_log_likelihood(observations, x, coefficient), abs=1e-9)
    for place, unit in enumerate(np.eye(2)):
        before, after = (exact(observations, x, coefficient + sign * step * unit) for sign in (-1, 1))
        slope = (after.log_likelihood - before.log_likelihood) / (2 * step)
        assert at.score[place] == pytest.approx(slope, abs=1e-6)
        np.testing.assert_allclose(-at.information[place], (after.score - before.score) / (2 * step), atol=1e-6)


@given(st.data(), samples(ties=False, entry=False))
@settings(deadline=None)
def test_without_ties_it_is_the_partial_likelihood(data: st.DataObject, observations: Observations) -> None:
    x, coefficient = data.draw(covariates_of(observations, 1)), np.array([0.5])
    other = partial_likelihood(risk_sets(observations, "efron"), x, coefficient)
    at = exact(observations, x, coefficient)
    assert at.log_likelihood == pytest.approx(other.log_likelihood)
    np.testing.assert_allclose(at.information, other.information, atol=1e-12)


@pytest.mark.parametrize("name", ["aml", "veteran", "ovarian"])
def test_models_of_r(name: str) -> None:
    block = cox_block(name, "exact")
    model = cox_regression(*in_sequence(*sample_with_covariates(name, block)), ties="exact")
    assert_equal_to_r(model.coefficient, [one["coef"] for one in block["coefficients"]])
    assert_equal_to_r(model.standard_error, [one["std_err"] for one in block["coefficients"]])
    assert_equal_to_r(model.log_likelihood, block["loglik"]["model"])
    assert_equal_to_r(model.score_statistic, block["tests"]["score"]["statistic"])


def test_sampling_weights_have_no_choices() -> None:
    observations = observe([1, 2], [True, False], weight=[0.5, 2], sampling=True)
    with pytest.raises(InvalidParameterError, match="sampling weights"):
        exact(observations, column(0, 1), np.zeros(1))


def test_too_much_work_is_refused() -> None:
    observations = observe([1, 1, 2], [True, True, False], weight=[1000, 1000, 9000], group=range(3))
    with pytest.raises(InvalidParameterError, match="too long"):
        exact(observations, column(0, 1, 0), np.zeros(1))


def test_robust_errors_are_refused() -> None:
    observations = observe([1, 1, 2], [True, True, False], cluster=[0, 1, 2])
    with pytest.raises(InvalidParameterError, match="robust"):
        cox_regression(observations, column(0, 1, 0), ties="exact")
