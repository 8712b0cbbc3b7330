"""The partial likelihood of groups from counts: that of their indicators, row by row."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.analysis.conventions import Ties
from app.analysis.event_times import event_times
from app.analysis.group_likelihood import group_steps
from app.analysis.hazard_ratios import group_indicators
from app.analysis.observations import observe, strata_in_sequence
from app.analysis.partial_likelihood import partial_likelihood
from app.analysis.risk_sets import risk_sets
from tests.analysis.cox_samples import BOTH_TIES
from tests.strategies import Rows, rows

COEFFICIENTS = st.lists(st.floats(-3, 3), min_size=2, max_size=2)


def assert_equals_that_of_indicators(
    sample: Rows, coefficient: list[float], ties: Ties, *, sampling: bool = False
) -> None:
    observations = observe(**sample.columns(), sampling=sampling)
    ordered = strata_in_sequence(observations)
    sets, x = risk_sets(ordered, ties), group_indicators(ordered, range(1, sample.groups))
    at = np.array(coefficient[: x.shape[1]])
    factor = np.linspace(0.5, 2, len(np.unique(sets.event_time)))
    for weights in (None, factor):
        found = group_steps(event_times(observations, sample.groups), ties).likelihood(at, weights)
        expected = partial_likelihood(sets, x, at, weights)
        # The predictor of the rows is in units that start at the largest.
        assert found.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-10, abs=1e-10)
        np.testing.assert_allclose(found.score, expected.score, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found.information, expected.information, rtol=1e-9, atol=1e-9)


@given(rows(group=True, stratum=None, cluster=False), COEFFICIENTS, st.sampled_from(BOTH_TIES))
@settings(deadline=None)
def test_counts_have_the_likelihood_of_indicators(sample: Rows, coefficient: list[float], ties: Ties) -> None:
    assume(sample.groups > 1 and any(sample.cause))
    assert_equals_that_of_indicators(sample, coefficient, ties)


@given(rows(group=True, weight=True, cluster=False), COEFFICIENTS, st.sampled_from(BOTH_TIES))
@settings(deadline=None)
def test_with_sampling_weights_too(sample: Rows, coefficient: list[float], ties: Ties) -> None:
    assume(sample.groups > 1 and any(sample.cause))
    assert_equals_that_of_indicators(sample, coefficient, ties, sampling=True)


@pytest.mark.parametrize("survivors", [0, 30, 400], ids=["none survives", "some survive", "most survive"])
@pytest.mark.parametrize("coefficient", [0.0, 6.0, -6.0])
def test_crowds_of_tied_events_leave_as_if_one_by_one(survivors: int, coefficient: float) -> None:
    """Whichever rule sums the steps: log L of 90 and 60 tied events is the sum of 150 logarithms."""
    counts = np.array([[90.0, survivors], [60.0, survivors]])
    shown = counts > 0
    observations = observe(
        np.broadcast_to([1, 2], (2, 2))[shown],
        np.broadcast_to([1, 0], (2, 2))[shown],
        group=np.broadcast_to([[0], [1]], (2, 2))[shown],
        weight=counts[shown],
    )
    found = group_steps(event_times(observations, 2), "efron").likelihood(np.array([coefficient]))
    risk = np.array([1.0, np.exp(coefficient)])
    left = 1 - np.arange(150) / 150
    total = survivors * risk.sum() + left * (counts[:, 0] @ risk)
    share = risk[1] * (survivors + left * 60) / total
    assert found.log_likelihood == pytest.approx(60 * coefficient - np.log(total).sum(), rel=1e-13)
    np.testing.assert_allclose(found.score, [60 - share.sum()], rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(found.information, [[(share * (1 - share)).sum()]], rtol=1e-11, atol=1e-13)


def test_where_risks_are_too_far_apart_the_likelihood_is_no_number() -> None:
    """The group that is left has exp(-800) of the risk of the other: a step as long is not taken."""
    steps = group_steps(event_times(observe([1, 2], [True, True], group=[1, 0]), 2), "efron")
    assert np.isnan(steps.likelihood(np.array([800.0])).log_likelihood)
