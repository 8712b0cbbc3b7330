"""Concordance: by hand, against all pairs one by one, by properties; R's figures are in tests/api."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.concordance import concordance
from app.analysis.observations import Observations, observe, strata_in_sequence
from tests.references import numbers
from tests.strategies import Rows, rows

THREE = observe([1, 2, 3], [True] * 3)


def literal(observations: Observations, predictor: FloatArray, weights: FloatArray) -> tuple[float, float]:
    """Return the pairs, and those of them that are concordant, ties of the predictor half."""
    time, event = observations.time, observations.event
    entry = np.full(time.size, -1.0) if observations.entry is None else observations.entry
    strata = np.zeros(time.size) if observations.stratum is None else observations.stratum
    pairs = concordant = 0.0
    for one in np.flatnonzero(event):
        for other in range(time.size):
            outlives = time[other] > time[one] or (time[other] == time[one] and not event[other])
            if outlives and entry[other] < time[one] and strata[other] == strata[one]:
                weight = weights[one] * weights[other]
                pairs += weight
                concordant += weight * (0.5 + np.sign(predictor[one] - predictor[other]) / 2)
    return pairs, concordant


def literal_error(observations: Observations, predictor: FloatArray) -> float:
    """Return the jackknife error from the numerical derivatives of C by the weights."""
    weights, slopes = observations.weights, []
    for row in range(observations.size):
        moved = [weights + sign * 1e-4 * (np.arange(weights.size) == row) for sign in (-1, 1)]
        below, above = (literal(observations, predictor, other) for other in moved)
        slopes.append((above[1] / above[0] - below[1] / below[0]) / 2e-4)
    slope = np.array(slopes)
    if observations.cluster is not None:
        sums = [(weights * slope)[observations.cluster == code].sum() for code in np.unique(observations.cluster)]
        return float(np.linalg.norm(sums)) if len(sums) > 1 else np.nan
    return float(np.sqrt(weights @ slope**2))


def test_three_events_by_hand() -> None:
    """Pairs 1-2 discordant, 1-3 and 2-3 concordant: C = 2/3.

    The derivatives by the three weights are those of the concordant less C times those of all, over 3: (1 - 4/3)/3,
    (1 - 4/3)/3, (2 - 4/3)/3.
    """
    found = concordance(THREE, np.array([2.0, 3.0, 1.0]))
    assert found.estimate == pytest.approx(2 / 3)
    assert found.standard_error == pytest.approx(6**0.5 / 9)
    assert found.pairs == 3


def test_an_event_and_a_censoring_at_its_time_are_a_pair_and_two_events_are_none() -> None:
    found = concordance(observe([1, 1, 1], [True, True, False], group=range(3)), np.array([5.0, 1, 2]))
    assert (found.pairs, found.estimate) == (2, 0.5)


@pytest.mark.parametrize(
    "observations",
    [observe([1, 2], [False, False]), observe([1, 2], [False, True]), observe([1, 2], [True, True], entry=[0, 1])],
    ids=["none", "last", "late"],
)
def test_without_pairs_there_is_none(observations: Observations) -> None:
    found = concordance(observations, np.array([1.0, 2.0]))
    assert np.isnan([found.estimate, found.standard_error]).all()


def test_one_cluster_has_no_error() -> None:
    one_cluster = replace(THREE, cluster=np.zeros(3, dtype=int))
    assert np.isnan(concordance(one_cluster, numbers([2, 3, 1])).standard_error)


@given(rows(stratum=None, min_size=2), st.lists(st.integers(-2, 2), min_size=20, max_size=20))
@settings(deadline=None)
def test_it_is_the_share_of_all_pairs(sample: Rows, predictor: list[int]) -> None:
    observations = replace(sample.observe(), group=None)
    risk = numbers(predictor[: observations.size])
    laid = strata_in_sequence(replace(observations, group=np.arange(observations.size)))
    found = concordance(laid, risk[laid.groups])
    pairs, concordant = literal(observations, risk, observations.weights)
    assert found.pairs == pytest.approx(pairs)
    if pairs:
        assert found.estimate == pytest.approx(concordant / pairs)
        error = literal_error(observations, risk)
        assert found.standard_error == pytest.approx(error, abs=1e-6, nan_ok=True)


def test_large_samples_are_counted_as_small_ones_are() -> None:
    """The pairs of 3000 subjects, 150 of them at each time."""
    generator = np.random.default_rng(2)
    observations = observe(generator.integers(0, 20, 3000), generator.random(3000) < 0.5, group=range(3000))
    risk = generator.integers(0, 50, 3000).astype(np.float64)
    later = 2 * observations.time[None, :] + ~observations.event > 2 * observations.time[observations.event][:, None]
    above = 0.5 + np.sign(risk[observations.event][:, None] - risk) / 2
    found = concordance(observations, risk)
    assert found.pairs == later.sum()
    assert found.estimate == pytest.approx((later * above).sum() / later.sum())
