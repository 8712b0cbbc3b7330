import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.errors import InvalidObservationsError, InvalidParameterError
from app.analysis.fine_gray import fine_gray_regression
from app.analysis.fine_gray_predictions import predicted_incidence, subdistribution_curves
from app.analysis.observations import observe
from tests.analysis.fine_gray_literal import Literal, gradient
from tests.analysis.fine_gray_samples import FOUR, FOUR_X, fitted, melanoma, samples, with_values
from tests.references import assert_equal_to_r
from tests.strategies import Rows, shuffled

MODEL = fine_gray_regression(FOUR, FOUR_X)
PROFILES = np.array([[0.0], [1.0], [-0.5]])


def test_incidence_by_hand() -> None:
    """With r = sqrt 2 the sums at risk are 2 r + 2 at 2 and r + 2 at 3; H0 is the sum of their inverses, 0.5."""
    curves = subdistribution_curves(MODEL, np.array([[0.0], [1.0]]))
    r = 2**0.5
    base = np.array([1 / (2 * r + 2), 0.5])
    np.testing.assert_array_equal(curves.time, [2, 3])
    np.testing.assert_allclose(curves.hazard, [base, r * base], rtol=1e-9)
    np.testing.assert_allclose(curves.incidence, 1 - np.exp(-curves.hazard), rtol=1e-12)


def test_incidence_at_times_is_that_of_the_curve() -> None:
    """0 before the first event of interest, and unknown beyond the last follow-up at 4; near-ties are ties."""
    times = np.array([0, 1.5, 2 - 1e-9, 2.5, 3, 4, 4.5])
    found = predicted_incidence(MODEL, PROFILES, times)
    curves = subdistribution_curves(MODEL, PROFILES).incidence
    np.testing.assert_array_equal(found.incidence[:, :2], 0)
    np.testing.assert_array_equal(found.standard_error[:, :2], 0)
    assert np.isnan(found.lower[:, :2]).all()
    np.testing.assert_allclose(found.incidence[:, 2:6], curves[:, [0, 0, 1, 1]], rtol=1e-12)
    for figure in (found.incidence, found.standard_error, found.lower, found.upper):
        assert np.isnan(figure[:, 6]).all()

    carried = predicted_incidence(MODEL, PROFILES, times, carries_forward=True)
    np.testing.assert_array_equal(carried.incidence[:, 6], carried.incidence[:, 5])
    np.testing.assert_array_equal(carried.upper[:, 6], carried.upper[:, 5])


def test_no_times_have_no_incidence() -> None:
    assert predicted_incidence(MODEL, PROFILES, np.array([])).incidence.shape == (3, 0)


def test_limits_are_by_the_logarithm_of_the_hazard() -> None:
    found = predicted_incidence(MODEL, PROFILES, np.array([3.0]), confidence_level=0.9)
    hazard = -np.log(1 - found.incidence)
    width = 1.6448536269514722 * found.standard_error / ((1 - found.incidence) * hazard)
    np.testing.assert_allclose(found.lower, 1 - np.exp(-hazard * np.exp(-width)), rtol=1e-9)
    np.testing.assert_allclose(found.upper, 1 - np.exp(-hazard * np.exp(width)), rtol=1e-9)


def test_a_profile_far_from_all_subjects_has_no_limits_where_its_incidence_is_1() -> None:
    found = predicted_incidence(MODEL, np.array([[1e6], [-1e6]]), np.array([3.0]))
    np.testing.assert_array_equal(found.incidence, [[1], [0]])
    np.testing.assert_array_equal(subdistribution_curves(MODEL, np.array([[1e6]])).incidence, [[1, 1]])
    assert (np.isnan(found.standard_error) | (found.standard_error == 0)).all()


def test_with_too_few_clusters_there_are_no_limits() -> None:
    observations = observe([1, 2, 3, 4], [2, 1, 1, 0], group=range(4), cluster=[0, 0, 0, 0])
    model = fine_gray_regression(observations, FOUR_X)
    found = predicted_incidence(model, PROFILES, np.array([3.0]))
    np.testing.assert_allclose(found.incidence, predicted_incidence(MODEL, PROFILES, np.array([3.0])).incidence)
    for figure in (found.standard_error, found.lower, found.upper):
        assert np.isnan(figure).all()


@pytest.mark.parametrize("profiles", [np.zeros(1), np.zeros((1, 2)), np.array([[np.inf]])])
def test_profiles_are_checked(profiles: FloatArray) -> None:
    with pytest.raises(InvalidObservationsError):
        predicted_incidence(MODEL, profiles, np.array([1.0]))
    with pytest.raises(InvalidObservationsError):
        subdistribution_curves(MODEL, profiles)


def test_the_level_is_checked() -> None:
    with pytest.raises(InvalidParameterError):
        predicted_incidence(MODEL, PROFILES, np.array([1.0]), confidence_level=0)


@given(samples(cluster=False), st.sampled_from([2.5, 4.0, 6.0]))
@settings(deadline=None, max_examples=40)
def test_the_variance_is_by_the_derivatives_of_the_definition(sample: Rows, time: float) -> None:
    """Log H by the count of each row, with the coefficients that move with it."""
    model = fitted(sample)
    observations, x = with_values(sample.observe(), 1)
    literal, b = Literal(observations, x), model.coefficient
    last = observations.time[(literal.stratum == 0)].max()
    found = predicted_incidence(model, PROFILES, np.array([time]))
    assert np.isnan(found.incidence).any() == (time > last)
    with np.errstate(all="ignore"):
        base = literal.log_hazard(b, literal.counts, time, 0)
        information = -gradient(lambda at: literal.score(at, literal.counts), b)
        moved = literal.by_row(lambda counts: literal.score(b, counts)) @ np.linalg.inv(information)
        direct = literal.by_row(lambda counts: literal.log_hazard(b, counts, time, 0))
        by_coefficient = gradient(lambda at: literal.log_hazard(at, literal.counts, time, 0), b)
    assume(time <= last and np.isfinite(direct).all() and np.isfinite(moved).all())
    assume(np.isfinite(model.standard_error).all())
    influence = direct[:, None] + moved @ (PROFILES + by_coefficient).T
    hazard = np.exp(base + PROFILES @ b)
    expected = hazard * np.exp(-hazard) * np.sqrt(observations.weights @ influence**2)
    np.testing.assert_allclose(found.incidence[:, 0], -np.expm1(-hazard), rtol=1e-9)
    np.testing.assert_allclose(found.standard_error[:, 0], expected, rtol=1e-5, atol=1e-7)


@given(samples(stratum=True))
@settings(deadline=None, max_examples=50)
def test_each_stratum_has_its_own_curve(sample: Rows) -> None:
    model = fitted(sample)
    observations, x = with_values(sample.observe(), 1)
    literal = Literal(observations, x)
    for stratum in np.unique(literal.stratum).tolist():
        curves = subdistribution_curves(model, PROFILES, stratum)
        np.testing.assert_array_equal(curves.time, [time for time, of in literal.steps if of == stratum])
        found = predicted_incidence(model, PROFILES, curves.time, stratum)
        np.testing.assert_allclose(found.incidence, curves.incidence, rtol=1e-9)


@given(shuffled(samples(near_ties=True)))
@settings(deadline=None, max_examples=50)
def test_the_order_of_rows_changes_no_bit(both: tuple[Rows, Rows]) -> None:
    first, second = (predicted_incidence(fitted(sample), PROFILES, np.array([1.0, 3.0])) for sample in both)
    for name in ("incidence", "standard_error", "lower", "upper"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@given(samples(), st.sampled_from([-4.0, 0.1]), st.sampled_from([0.0, 30.0]))
@settings(deadline=None, max_examples=50)
def test_units_of_covariates_do_not_matter(sample: Rows, factor: float, shift: float) -> None:
    model = fitted(sample)
    observations, x = with_values(sample.observe(), 1)
    other = fine_gray_regression(observations, factor * x + shift)
    times = np.array([1.0, 3.0, 5.0])
    first = predicted_incidence(model, PROFILES, times)
    second = predicted_incidence(other, factor * PROFILES + shift, times)
    for name in ("incidence", "standard_error", "lower", "upper"):
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("block_id", ["cause1", "cause2"])
def test_incidence_equals_crrs(block_id: str) -> None:
    block, observations, x = melanoma(block_id)
    expected = block["crr"]["predicted_cif"]
    assert expected["profile"] == {"group": "present", "age": 55, "thickness": 3}
    model = fine_gray_regression(observations, x)
    times = np.array(expected["times"], dtype=np.float64)
    found = predicted_incidence(model, np.array([[1, 55, 3.0]]), times)
    assert_equal_to_r(found.incidence[0], expected["cif"], rtol=1e-9)
