"""Aalen-Johansen: literally, and by its properties."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.cumulative_incidence import AalenJohansen, aalen_johansen
from app.analysis.observations import observe
from tests import literal
from tests.strategies import Rows, rows, shuffled

ESTIMATES = ("events", "incidence", "standard_error", "lower", "upper")
CAUSES = 3


def estimate_of(sample: Rows) -> AalenJohansen:
    return aalen_johansen(sample.observe(), causes=CAUSES)


def assert_same_estimates(first: AalenJohansen, second: AalenJohansen, causes: Sequence[int] = (1, 2, 3)) -> None:
    """Assert that the rows of `first`, in the order of `causes`, are those of `second`.

    A variance of 0 may be 1e-16 by rounding, and the error of the limits 1e-8.
    """
    order = np.array(causes) - 1
    np.testing.assert_array_equal(first.events[order], second.events)
    np.testing.assert_allclose(first.incidence[order], second.incidence, rtol=1e-12)
    np.testing.assert_allclose(first.standard_error[order] ** 2, second.standard_error**2, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(first.lower[order], second.lower, atol=1e-6)
    np.testing.assert_allclose(first.upper[order], second.upper, atol=1e-6)


def incidence_by_definition(cause: int) -> literal.Estimate:
    """Return the estimate of F_k as a sum over event times, S multiplied up on the way."""

    def incidence(sample: literal.Sample, time: float) -> Fraction:
        total, survival = Fraction(0), Fraction(1)
        for now in sorted({subject.time for subject in sample if subject.cause > 0 and subject.time <= time}):
            failures, at_risk = literal.failures(sample, now), literal.count(literal.risk_set(sample, now))
            total += survival * literal.count([row for row in failures if row.cause == cause]) / at_risk
            survival *= 1 - literal.count(failures) / at_risk
        return total

    return incidence


def delta_method_variance(cause: int) -> literal.Estimate:
    """Return Var F_k(t) as the sum over times with F(t) - F_j that textbooks print."""
    incidence = incidence_by_definition(cause)

    def variance(sample: literal.Sample, time: float) -> Fraction:
        total = Fraction(0)
        for now in {subject.time for subject in sample if subject.cause > 0 and subject.time <= time}:
            failures, n = literal.failures(sample, now), literal.count(literal.risk_set(sample, now))
            d, d_k = literal.count(failures), literal.count([row for row in failures if row.cause == cause])
            survival = literal.survival(sample, now - 0.5)
            later = incidence(sample, time) - incidence(sample, now)
            total += later**2 * d / (n * (n - d)) if d < n else 0
            total += survival**2 * d_k * (n - d_k) / n**3 - 2 * later * survival * d_k / n**2
        return total

    return variance


def along(estimate: Callable[[int], literal.Estimate], sample: literal.Sample, times: FloatArray) -> list[list[float]]:
    return [literal.along(estimate(cause), sample, times) for cause in range(1, CAUSES + 1)]


@given(rows(causes=CAUSES, cluster=False))
@settings(deadline=None, max_examples=60)
def test_estimates_equal_the_definitions(sample: Rows) -> None:
    estimate = estimate_of(sample)
    subjects, times = literal.subjects(estimate.curve.observations), estimate.curve.time
    np.testing.assert_allclose(estimate.incidence, along(incidence_by_definition, subjects, times), rtol=1e-12)
    variance = along(delta_method_variance, subjects, times)
    np.testing.assert_allclose(estimate.standard_error**2, variance, rtol=1e-9, atol=1e-15)


@given(rows(causes=2, cluster=True, max_size=6))
@settings(deadline=None, max_examples=40)
def test_clustered_errors_equal_the_jackknife_by_numerical_derivatives(sample: Rows) -> None:
    assume(len(set(sample.cluster or range(2))) > 1)
    estimate = estimate_of(sample)
    subjects, times = literal.subjects(estimate.curve.observations), estimate.curve.time

    def jackknife(cause: int) -> literal.Estimate:
        incidence = incidence_by_definition(cause)
        return lambda sample, time: literal.jackknife_variance(incidence, sample, time)

    variance = along(jackknife, subjects, times)
    np.testing.assert_allclose(estimate.standard_error**2, variance, rtol=1e-9, atol=1e-12)


@given(rows(causes=CAUSES, entry=False, weight=False))
@settings(deadline=None)
def test_clusters_of_one_row_change_nothing_without_delayed_entry(sample: Rows) -> None:
    assume(sample.size > 1)
    plain = estimate_of(replace(sample, cluster=None))
    alone = estimate_of(replace(sample, cluster=list(range(sample.size))))
    np.testing.assert_array_equal(alone.incidence, plain.incidence)
    np.testing.assert_allclose(alone.standard_error**2, plain.standard_error**2, rtol=1e-9, atol=1e-15)


@given(rows(causes=CAUSES, entry=False, weight=False))
@settings(deadline=None)
def test_without_censoring_an_incidence_is_a_proportion(sample: Rows) -> None:
    """Its variance is F (1 - F) / n, or the sum over clusters of (events - expected)^2 / n^2."""
    assume(len(set(sample.cluster or range(2))) > 1)
    uncensored = replace(sample, cause=[max(cause, 1) for cause in sample.cause])
    estimate = estimate_of(uncensored)
    time, cause, n = np.array(uncensored.time), np.array(uncensored.cause), uncensored.size
    for code in range(1, CAUSES + 1):
        had = (time <= estimate.curve.time[:, None]) & (cause == code)
        share = had.mean(axis=1)
        np.testing.assert_allclose(estimate.incidence[code - 1], share, rtol=1e-12)
        variance = share * (1 - share) / n
        if uncensored.cluster is not None:
            members = np.array(uncensored.cluster)[:, None] == np.arange(n)
            variance = (((had - share[:, None]) @ members) ** 2).sum(axis=1) / n**2
        np.testing.assert_allclose(estimate.standard_error[code - 1] ** 2, variance, rtol=1e-9, atol=1e-15)


@given(rows(causes=CAUSES, near_ties=True))
@settings(deadline=None)
def test_incidences_grow_and_sum_to_1_with_survival(sample: Rows) -> None:
    estimate = estimate_of(sample)
    assert (np.diff(estimate.incidence, prepend=0) >= 0).all()
    assert (estimate.incidence <= 1).all()
    np.testing.assert_allclose(estimate.incidence.sum(axis=0) + estimate.curve.survival, 1, rtol=1e-12)
    np.testing.assert_array_equal(estimate.events.sum(axis=0), estimate.curve.table.events)


@given(rows(causes=1, near_ties=True))
@settings(deadline=None)
def test_with_one_cause_incidence_is_1_minus_survival_with_its_error(sample: Rows) -> None:
    assume(len(set(sample.cluster or range(2))) > 1)
    estimate = aalen_johansen(sample.observe(), causes=1)
    np.testing.assert_allclose(estimate.incidence[0], 1 - estimate.curve.survival, atol=1e-14)
    variance = np.where(estimate.curve.survival > 0, estimate.curve.standard_error**2, 0)
    np.testing.assert_allclose(estimate.standard_error[0] ** 2, variance, rtol=1e-9, atol=1e-14)


@given(shuffled(rows(causes=CAUSES, near_ties=True)))
@settings(deadline=None)
def test_the_order_of_rows_changes_no_bit(samples: tuple[Rows, Rows]) -> None:
    first, second = (estimate_of(sample) for sample in samples)
    for name in ESTIMATES:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), strict=True)


@given(rows(causes=CAUSES, weight=True))
@settings(deadline=None)
def test_weights_are_replicated_rows(sample: Rows) -> None:
    assert_same_estimates(estimate_of(sample), estimate_of(sample.replicated()))


@given(rows(causes=CAUSES), st.permutations([1, 2, 3]))
@settings(deadline=None)
def test_the_codes_of_the_causes_do_not_matter(sample: Rows, codes: list[int]) -> None:
    relabelled = replace(sample, cause=[[0, *codes][cause] for cause in sample.cause])
    assert_same_estimates(estimate_of(relabelled), estimate_of(sample), codes)


@given(rows(causes=CAUSES), st.sampled_from([0.25, 1 / 3, 365.25, 1e6]))
@settings(deadline=None)
def test_another_unit_of_time_scales_the_times_alone(sample: Rows, factor: float) -> None:
    scaled: dict[str, Any]
    scaled = {name: factor * np.array(sample.columns()[name]) for name in ("time", "entry") if name in sample.columns()}
    estimate, other = estimate_of(sample), aalen_johansen(observe(**sample.columns() | scaled), causes=CAUSES)
    for name in ESTIMATES:
        np.testing.assert_array_equal(getattr(other, name), getattr(estimate, name))
    for quantile, longer in zip(*estimate.quantiles(0.5), *other.quantiles(0.5), strict=True):
        assert quantile.reason == longer.reason
        times = [np.array([one.lower, one.estimate, one.upper]) for one in (quantile, longer)]
        np.testing.assert_allclose(times[1], factor * times[0], rtol=1e-15)


@given(rows(causes=CAUSES, entry=True, cluster=True))
@settings(deadline=None)
def test_follow_up_cut_in_two_counts_as_one(sample: Rows) -> None:
    """(entry, u] censored and (u, time] of one patient are the same as (entry, time]."""
    whole, parts = estimate_of(sample), estimate_of(sample.cut_in_two())
    places = parts.curve.at(whole.curve.time)
    np.testing.assert_allclose(parts.incidence[:, places], whole.incidence, rtol=1e-12)
    np.testing.assert_allclose(parts.standard_error[:, places] ** 2, whole.standard_error**2, rtol=1e-9, atol=1e-14)
