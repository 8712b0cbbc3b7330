from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.analysis.conventions import Ties
from app.analysis.cox import cox_regression
from app.analysis.errors import NoEstimateError
from app.analysis.fine_gray import FineGrayModel, fine_gray_regression
from app.analysis.observations import strata_in_sequence
from tests.analysis.cox_samples import BOTH_TIES
from tests.analysis.fine_gray_literal import Literal, gradient
from tests.analysis.fine_gray_samples import fitted, samples, with_values
from tests.strategies import Rows, shuffled, split_in_rows


def fitted_or_refused(sample: Rows, ties: Ties) -> FineGrayModel | str:
    """Return the model of a random sample with two covariates, or why there is none."""
    observations, x = with_values(sample.observe())
    try:
        return fine_gray_regression(observations, x, ties=ties)
    except NoEstimateError as error:
        return str(error)


def assert_same(model: FineGrayModel, other: FineGrayModel) -> None:
    for name in ("coefficient", "standard_error", "fixed_weights_standard_error"):
        np.testing.assert_allclose(getattr(model, name), getattr(other, name), rtol=1e-6, atol=1e-7)
    for name in ("log_likelihood", "null_log_likelihood"):
        assert getattr(model, name) == pytest.approx(getattr(other, name), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("ties", BOTH_TIES)
@given(sample=samples(entry=False, cluster=False))
@settings(deadline=None, max_examples=50)
def test_without_censoring_it_is_cox_regression_with_competing_events_censored_at_infinity(
    ties: Ties, sample: Rows
) -> None:
    causes = [max(cause, 1) for cause in sample.cause]
    model = fitted(replace(sample, cause=causes), columns=2, ties=ties)
    time = [99.0 if cause > 1 else time for cause, time in zip(causes, sample.time, strict=True)]
    observations = replace(sample, time=time, cause=[int(cause == 1) for cause in causes]).observe()
    laid, x = with_values(strata_in_sequence(observations))
    cox = cox_regression(laid, x, ties=ties, robust=True)
    np.testing.assert_allclose(model.coefficient, cox.coefficient, rtol=1e-9, atol=1e-9)
    assert model.log_likelihood == pytest.approx(cox.log_likelihood, rel=1e-12)
    np.testing.assert_array_equal(model.standard_error, model.fixed_weights_standard_error)
    np.testing.assert_allclose(model.standard_error, cox.standard_error, rtol=1e-7, atol=1e-9)


@given(samples(cluster=False))
@settings(deadline=None, max_examples=40)
def test_the_standard_error_is_by_the_derivatives_of_its_definition(sample: Rows) -> None:
    """The score by the count of each row, with Nelson-Aalen's share of it in the weights, times I^-1."""
    model = fitted(sample)
    observations, x = with_values(sample.observe(), 1)
    literal = Literal(observations, x)
    with np.errstate(all="ignore"):
        information = -gradient(lambda b: literal.score(b, literal.counts), model.coefficient)
        influence = literal.by_row(lambda counts: literal.score(model.coefficient, counts)) @ np.linalg.inv(information)
    assume(np.isfinite(influence).all() and np.isfinite(model.standard_error).all())
    expected = np.sqrt(observations.weights @ influence**2)
    np.testing.assert_allclose(model.standard_error, expected, rtol=1e-5, atol=1e-7)


@given(split_in_rows(samples(weight=True)), st.sampled_from(BOTH_TIES))
@settings(deadline=None, max_examples=50)
def test_weights_are_replicated_rows(both: tuple[Rows, Rows], ties: Ties) -> None:
    counted, subjects = (fitted_or_refused(sample, ties) for sample in both)
    if isinstance(counted, str) or isinstance(subjects, str):
        assert counted == subjects
    else:
        assert_same(counted, subjects)


@given(shuffled(samples(near_ties=True)), st.sampled_from(BOTH_TIES))
@settings(deadline=None, max_examples=50)
def test_the_order_of_rows_changes_no_bit(both: tuple[Rows, Rows], ties: Ties) -> None:
    first, second = (fitted_or_refused(sample, ties) for sample in both)
    if isinstance(first, str) or isinstance(second, str):
        assert first == second
        return
    for name in ("coefficient", "standard_error", "fixed_weights_standard_error", "covariance", "log_likelihood"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@given(samples(), st.sampled_from([0.01, -3.0, 1e4]), st.sampled_from([0.0, 50.0]))
@settings(deadline=None, max_examples=50)
def test_units_of_covariates_do_not_matter(sample: Rows, factor: float, shift: float) -> None:
    model = fitted(sample)
    observations, x = with_values(sample.observe(), 1)
    other = fine_gray_regression(observations, x * factor + shift)
    np.testing.assert_allclose(other.coefficient * factor, model.coefficient, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(other.standard_error * abs(factor), model.standard_error, rtol=1e-6, atol=1e-7)


@given(samples(stratum=False, entry=False, cluster=False, weight=False))
@settings(deadline=None, max_examples=50)
def test_follow_up_cut_in_two_rows_is_the_same_follow_up(sample: Rows) -> None:
    """The first of two rows of a subject ends at once with the start of the second, so nobody is censored there."""
    whole = replace(sample, time=[time + 1 for time in sample.time], cluster=list(range(sample.size)))
    assert_same(fitted(whole.cut_in_two()), fitted(whole))


@given(samples(stratum=True))
@settings(deadline=None, max_examples=50)
def test_strata_with_the_same_rows_are_one_stratum_with_twice_the_rows(sample: Rows) -> None:
    rows = replace(sample, stratum=[0] * sample.size, cluster=None)
    twice = rows.take([*range(rows.size)] * 2)
    twice = replace(twice, stratum=[0] * rows.size + [1] * rows.size)
    one, two = fitted(rows), fitted(twice)
    np.testing.assert_allclose(one.coefficient, two.coefficient, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(one.standard_error, two.standard_error * 2**0.5, rtol=1e-6, atol=1e-7)
    assert 2 * one.log_likelihood == pytest.approx(two.log_likelihood, rel=1e-9)
