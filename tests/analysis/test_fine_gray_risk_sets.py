from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Ties
from app.analysis.cumulative_incidence import aalen_johansen
from app.analysis.errors import InvalidParameterError, NoEstimateError
from app.analysis.fine_gray_risk_sets import FineGrayRiskSets, fine_gray_risk_sets
from app.analysis.kaplan_meier import kaplan_meier
from app.analysis.observations import Observations, observe, strata_in_sequence
from app.analysis.partial_likelihood import partial_likelihood
from app.analysis.risk_sets import risk_sets
from app.analysis.risk_table import count_at_risk
from tests.analysis.cox_samples import BOTH_TIES
from tests.analysis.fine_gray_literal import Literal, gradient
from tests.analysis.fine_gray_samples import samples, with_values
from tests.strategies import Rows

AT = np.array([0.3, -0.2])


def weights_at_events(observations: Observations) -> FloatArray:
    """Return what each row counts in each risk set, shape [m, n]."""
    sets = fine_gray_risk_sets(observations, "breslow")
    return sets.at_risk(np.diag(sets.weights)).T


def sets_of(observations: Observations) -> FineGrayRiskSets | None:
    try:
        return fine_gray_risk_sets(strata_in_sequence(observations), "breslow")
    except NoEstimateError:
        return None


def test_those_with_a_competing_event_stay_with_the_chance_of_being_followed() -> None:
    """After the competing event at 1, one of 4 is censored at 2, one of the 2 at 4: G(3) = 3/4, G(5) = 3/8."""
    observations = observe([1, 2, 3, 4, 5], [2, 0, 1, 0, 1])
    expected = [[3 / 4, 0, 1, 1, 1], [3 / 8, 0, 0, 0, 1]]
    np.testing.assert_allclose(weights_at_events(observations), expected, rtol=1e-12)


def test_the_event_leaves_before_a_censoring_at_the_same_time() -> None:
    """At 1 one of 4 has the competing event, then one of the 3 who are left is censored: G(2) = 2/3.

    So has `finegray()` it. `crr()` takes G from a Kaplan-Meier estimate in which those with an event at 1 are still at
    risk of the censoring there: 1 - 1/4. With the former the model without covariates is Aalen-Johansen's estimate.
    """
    observations = observe([1, 1, 2, 3], [2, 0, 1, 0])
    np.testing.assert_allclose(weights_at_events(observations), [[2 / 3, 0, 1, 1]], rtol=1e-12)


def test_who_enters_later_makes_those_with_a_competing_event_count_more() -> None:
    """At 1 one of 2 leaves; at 1.5 one joins the other: at 2 they are the 2 of 1 / (1 - 1/2) who would be there."""
    observations = observe([1, 2, 3], [2, 1, 0], entry=[0, 0, 1.5])
    np.testing.assert_allclose(weights_at_events(observations), [[2, 1, 1]], rtol=1e-12)


def test_a_gap_in_follow_up_that_censoring_leaves_is_bridged() -> None:
    """The 1 who is left at 1 is censored at 2, and 2 enter at 3: n / S(t-) is 2 / (1/2) at 4 after 2 / 1 at 1."""
    observations = observe([1, 2, 4, 5], [2, 0, 1, 0], entry=[0, 0, 3, 3])
    np.testing.assert_allclose(weights_at_events(observations), [[2, 0, 1, 1]], rtol=1e-12)


def test_weights_that_are_infinite_are_refused() -> None:
    """After 2 nobody who was at risk is left without an event, while others enter at 3."""
    with pytest.raises(NoEstimateError, match="out of reach"):
        fine_gray_risk_sets(observe([1, 2, 4, 5], [2, 1, 1, 0], entry=[0, 0, 3, 3]), "breslow")


@pytest.mark.parametrize("cause", [[1, 1, 1, 0], [2, 2, 2, 0], [1, 1, 2, 0]])
def test_weights_that_nobody_has_may_be_infinite(cause: list[int]) -> None:
    """The same without a competing event before or an event of interest after."""
    observations = observe([1, 2, 4, 5], cause, entry=[0, 0, 3, 3])
    plain = risk_sets(replace(observations, cause=(observations.cause == 1).astype(np.int64)), "breslow")
    ones = np.ones(4)
    np.testing.assert_array_equal(fine_gray_risk_sets(observations, "breslow").at_risk(ones), plain.at_risk(ones))


def test_weights_that_swamp_all_sums_are_refused() -> None:
    """One of two dies and one enters, 300 times: those who would be at risk but for their events are 2^300."""
    start = np.arange(301.0)
    observations = observe([1.5, *(start + 2)], [2] + [1] * 301, entry=[0, *start])
    with pytest.raises(NoEstimateError, match="out of reach"):
        fine_gray_risk_sets(observations, "breslow")


def test_ties_are_checked() -> None:
    with pytest.raises(InvalidParameterError, match="ties"):
        fine_gray_risk_sets(observe([1], [1]), "exact")  # type: ignore[arg-type]


@pytest.mark.parametrize("ties", BOTH_TIES)
@given(sample=samples(min_size=2, max_size=8))
@settings(deadline=None, max_examples=60)
def test_the_likelihood_and_its_derivatives_equal_their_definition(ties: Ties, sample: Rows) -> None:
    observations, x = with_values(sample.observe())
    laid = strata_in_sequence(replace(observations, group=np.arange(observations.size)))
    assume((observations.cause == 1).any() and sets_of(observations) is not None)
    literal = Literal(observations, x)
    with np.errstate(all="ignore"):
        expected = literal.log_likelihood(AT, ties)
    assume(np.isfinite(expected))  # else follow-up has a gap, where the definition is 0 times infinity

    def at(coefficient: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        sets = fine_gray_risk_sets(laid, ties)
        found = partial_likelihood(sets, x[laid.groups], coefficient)
        return found.log_likelihood, found.score, found.information

    value, score, information = at(AT)
    assert value == pytest.approx(expected, rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(score, gradient(lambda b: at(b)[0], AT), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(information, -gradient(lambda b: at(b)[1], AT), rtol=1e-6, atol=1e-6)


@given(samples(stratum=False, cluster=False))
@settings(deadline=None)
def test_without_covariates_the_incidence_is_aalen_johansens(sample: Rows) -> None:
    """The product of 1 - d / (those at risk, weighted) over the event times: Geskus (2011), theorem 1."""
    observations = sample.observe()
    sets = sets_of(observations)
    assume((observations.cause == 1).any() and sets is not None)
    assert sets is not None
    hazard = sets.mass / sets.at_risk(sets.weights)
    time = np.unique(observations.time[sets.event_rows])
    curves = aalen_johansen(observations, causes=2)
    found = 1 - np.cumprod(1 - hazard)
    assume((kaplan_meier(observations).survival[:-1] > 0).all())  # else Aalen-Johansen's incidence stays as it is
    np.testing.assert_allclose(found, curves.incidence[0][curves.curve.at(time)], rtol=1e-9, atol=1e-9)


@given(samples(stratum=False, cluster=False, min_size=1))
@settings(deadline=None)
def test_weights_are_ratios_of_numbers_at_risk_over_survival(sample: Rows) -> None:
    """G(t-) H(t-) is proportional to n(t) / S(t-), gaps in follow-up or not."""
    observations = sample.observe()
    sets = sets_of(observations)
    curve = kaplan_meier(observations)
    assume(sets is not None and (observations.cause == 1).any() and (curve.survival[:-1] > 0).all())
    assert sets is not None

    def followed(times: FloatArray) -> FloatArray:
        return count_at_risk(observations, times) / curve.survival_at(np.nextafter(times, -1))

    time = np.unique(observations.time[sets.event_rows])
    stays = (observations.cause > 1) & (observations.time < time[:, None])
    shares = observations.weights / followed(np.where(observations.event, observations.time, time[0]))
    expected = followed(time) * (stays @ shares) + count_at_risk(observations, time)
    np.testing.assert_allclose(sets.at_risk(sets.weights), expected, rtol=1e-9)
