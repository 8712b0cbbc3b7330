"""Predicted survival: by hand, by the delta method with numerical derivatives, by properties; R's are in tests/api."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Ties
from app.analysis.cox import CoxModel, cox_regression
from app.analysis.cox_predictions import (
    BaselineHazard,
    PredictedSurvival,
    baseline_hazard,
    predicted_median,
    predicted_rates,
    predicted_survival,
)
from app.analysis.errors import NoEstimateError
from app.analysis.observations import Observations, observe
from tests.analysis.cox_samples import BOTH_TIES, column, covariates_of, samples

SAMPLE, X = observe([1, 2, 3], [True, True, False]), column(1, 0, 1)
MODEL = cox_regression(SAMPLE, X)
"""Its hazard ratio is 1 / sqrt 2."""


def baseline(profile: float = 0.0, sample: Observations = SAMPLE, x: FloatArray = X) -> BaselineHazard:
    return baseline_hazard(sample, x, MODEL.coefficient, np.array([profile]), ties="efron")


def test_hazards_by_hand() -> None:
    """With r = 1 / sqrt 2 those at risk at 1 are 2 r + 1, at 2 they are r + 1."""
    r = 0.5**0.5
    found = baseline()
    assert found.time.tolist() == [1, 2]
    assert found.hazard == pytest.approx(np.cumsum([1 / (2 * r + 1), 1 / (r + 1)]))
    unit = np.exp(found.unit)
    assert unit**2 * found.variance == pytest.approx(np.cumsum([1 / (2 * r + 1) ** 2, 1 / (r + 1) ** 2]))
    assert unit * found.mean[:, 0] == pytest.approx(np.cumsum([2 * r / (2 * r + 1) ** 2, r / (r + 1) ** 2]))
    assert baseline(1).hazard == pytest.approx(r * found.hazard)


@pytest.mark.parametrize("far", [1e6, -1e6])
def test_a_profile_may_be_so_far_away_that_its_hazard_is_no_number(far: float) -> None:
    """From there the same survival is predicted as from nearby."""
    found, near = baseline(far), baseline()
    assert found.hazard.tolist() == ([0, 0] if far > 0 else [np.inf, np.inf])
    for profile in (0.0, 1.0):
        at = np.array([profile]), np.array([1.0, 2.5])
        predicted, expected = (predicted_survival(one, MODEL, *at, 0.95) for one in (found, near))
        np.testing.assert_allclose(predicted.survival, expected.survival, rtol=1e-9)
        np.testing.assert_allclose(predicted.standard_error, expected.standard_error, rtol=1e-7)


def test_who_is_at_risk_at_no_event_does_not_matter() -> None:
    """Whatever its covariates: its risk would leave nothing of the others'."""
    sample, x = observe([0.5, 1, 2, 3], [False, True, True, False]), column(-1e6, 1, 0, 1)
    found = baseline_hazard(sample, x, MODEL.coefficient, np.zeros(1), ties="efron")
    np.testing.assert_allclose(found.hazard, baseline().hazard, rtol=1e-12)


@pytest.mark.parametrize(("ties", "first"), [("breslow", 2 / 3), ("efron", 1 / 3 + 1 / 2)])
def test_ties_by_hand(ties: Ties, first: float) -> None:
    sample = observe([1, 1, 2], [True, True, False], group=range(3))
    assert baseline_hazard(sample, column(0, 0, 0), np.zeros(1), np.zeros(1), ties=ties).hazard == pytest.approx(
        [first]
    )


def test_a_stratum_without_events_survives() -> None:
    found = baseline(sample=observe([4, 5], [False, False]), x=column(0, 1))
    assert found.time.size == 0
    (rate, beyond) = predicted_rates(
        found, MODEL, np.array([1.0]), [4.5, 6], confidence_level=0.95, carries_forward=False
    )
    assert (rate.survival, rate.standard_error, rate.lower, rate.upper, rate.reason) == (1, 0, 1, 1, None)
    assert np.isnan(beyond.survival)
    assert beyond.reason == "beyond the last follow-up, where it is not known"


def test_survival_is_carried_forward_by_convention() -> None:
    options = {"confidence_level": 0.95, "carries_forward": True}
    last, beyond = predicted_rates(baseline(), MODEL, np.zeros(1), [3, 9], **options)  # type: ignore[arg-type]
    assert (beyond.survival, beyond.reason) == (last.survival, None)


def test_a_landmark_that_ties_with_an_event_is_after_it() -> None:
    sample = observe([0.1 + 0.2, 2, 3], [True, True, False])
    (rate,) = predicted_rates(
        baseline(sample=sample), MODEL, np.zeros(1), [0.3], confidence_level=0.95, carries_forward=True
    )
    assert rate.survival < 1


def test_a_curve_that_stays_above_a_half_has_no_median() -> None:
    nothing = np.zeros(0)
    assert np.isnan(predicted_median(PredictedSurvival(nothing, nothing, nothing, nothing, nothing))).all()


def models(data: st.DataObject, observations: Observations, ties: Ties) -> tuple[FloatArray, CoxModel]:
    x = data.draw(covariates_of(observations, 2))
    try:
        return x, cox_regression(observations, x, ties=ties, robust=False)
    except NoEstimateError:
        assume(False)
        raise


@given(st.data(), samples(min_size=5), st.sampled_from(BOTH_TIES))
@settings(deadline=None, max_examples=40)
def test_variances_are_those_of_the_delta_method(data: st.DataObject, observations: Observations, ties: Ties) -> None:
    x, model = models(data, observations, ties)
    profile, step = np.array([1.0, -1.0]), 1e-6

    def hazard(coefficient: FloatArray) -> BaselineHazard:
        return baseline_hazard(observations, x, coefficient, profile, ties=ties)

    at = hazard(model.coefficient)
    slopes = [
        (hazard(model.coefficient + step * unit).hazard - hazard(model.coefficient - step * unit).hazard) / (2 * step)
        for unit in np.eye(2)
    ]
    expected = np.exp(2 * at.unit) * at.variance + np.einsum("it,ij,jt->t", slopes, model.covariance, slopes)
    found = predicted_survival(at, model, profile, at.time, 0.95)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = found.standard_error / found.survival
    defined = found.survival > 1e-200
    np.testing.assert_allclose(error[defined] ** 2, expected[defined], rtol=1e-3, atol=1e-9)


@given(st.data(), samples(min_size=5))
@settings(deadline=None, max_examples=40)
def test_the_profile_of_the_baseline_does_not_matter(data: st.DataObject, observations: Observations) -> None:
    x, model = models(data, observations, "efron")
    assume(np.abs(model.coefficient).max() < 10)
    profile, other = np.array([1.0, 0.0]), np.array([-1.0, 2.0])
    curves = [
        predicted_survival(
            baseline_hazard(observations, x, model.coefficient, of, ties="efron"),
            model,
            profile,
            observations.time,
            0.9,
        )
        for of in (profile, other)
    ]
    np.testing.assert_allclose(curves[0].survival, curves[1].survival, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(curves[0].lower, curves[1].lower, rtol=1e-5, atol=1e-9)
