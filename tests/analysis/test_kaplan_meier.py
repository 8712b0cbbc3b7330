"""Kaplan-Meier and Nelson-Aalen: by hand, literally and by their properties."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.kaplan_meier import CURVES, KaplanMeier, kaplan_meier
from app.analysis.observations import observe
from tests import literal
from tests.strategies import Rows, rows, shuffled

ESTIMATES = (
    "time",
    "survival",
    "log_variance",
    "standard_error",
    "lower",
    "upper",
    "cumulative_hazard",
    "cumulative_hazard_standard_error",
)
NONE = float("nan")


def curve_of(sample: Rows) -> KaplanMeier:
    return kaplan_meier(sample.observe())


def assert_fractions(actual: FloatArray, expected: list[float]) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-14, atol=1e-16)


def figures(curve: KaplanMeier) -> FloatArray:
    """Return the estimates, with variances and not their roots, which rounding spoils near 0; shape [5, m]."""
    hazard_variance = curve.cumulative_hazard_standard_error**2
    return np.array([curve.time, curve.survival, curve.log_variance, curve.cumulative_hazard, hazard_variance])


def assert_close(actual: FloatArray, expected: FloatArray) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


def test_all_four_kinds_of_ties_by_hand() -> None:
    """2 of 6 at 2; at 3, where a row ends censored and another enters, 1 of 5; 0 of 4 at 4; 1 of 2 at 5; 0 of 1."""
    curve = curve_of(Rows([5, 2, 3, 4, 2, 3, 4, 6], [1, 1, 1, 0, 1, 0, 0, 0], [3, 0, 0, 0, 0, 0, 0, 2]))
    assert_fractions(curve.time, [2, 3, 4, 5, 6])
    assert_fractions(curve.survival, [2 / 3, 8 / 15, 8 / 15, 4 / 15, 4 / 15])
    assert_fractions(curve.log_variance, [1 / 12, 2 / 15, 2 / 15, 19 / 30, 19 / 30])
    assert_fractions(curve.standard_error**2, [1 / 27, 128 / 3375, 128 / 3375, 152 / 3375, 152 / 3375])
    assert_fractions(curve.cumulative_hazard, [1 / 3, 8 / 15, 8 / 15, 31 / 30, 31 / 30])
    variance = [1 / 18, 43 / 450, 43 / 450, 311 / 900, 311 / 900]
    assert_fractions(curve.cumulative_hazard_standard_error**2, variance)


@pytest.mark.parametrize(
    ("sample", "survival", "variance"),
    [
        pytest.param(Rows([1, 1, 2], [1, 1, 1]), [1 / 3, 0], [2 / 27, NONE], id="event and event"),
        pytest.param(Rows([1, 1, 2], [0, 1, 1]), [2 / 3, 0], [2 / 27, NONE], id="event and censoring"),
        pytest.param(Rows([1, 1, 2], [0, 0, 1]), [1, 0], [0, NONE], id="censoring and censoring"),
        pytest.param(Rows([1, 2, 2], [1, 1, 0], [0, 1, 0]), [1 / 2, 1 / 4], [1 / 8, 1 / 16], id="entry and event"),
        pytest.param(Rows([0, 0, 1, 1], [1, 0, 0, 0]), [3 / 4, 3 / 4], [3 / 64, 3 / 64], id="death at time 0"),
        pytest.param(Rows([0], [1]), [0], [NONE], id="one subject, dead at time 0"),
        pytest.param(Rows([3], [0]), [1], [0], id="one subject, censored"),
        pytest.param(Rows([1, 2, 2], [0, 0, 0]), [1, 1], [0, 0], id="no events"),
        pytest.param(Rows([2, 2, 2], [1, 1, 1]), [0], [NONE], id="all events at one time"),
        pytest.param(Rows([1, 2, 3], [1, 0, 0]), [2 / 3] * 3, [2 / 27] * 3, id="flat to the end"),
        pytest.param(Rows([1, 3], [1, 0], [0, 2]), [0, 0], [NONE, NONE], id="nobody left before the next enters"),
        pytest.param(Rows([1, 1], [2, 1], weight=[1, 2]), [0], [NONE], id="events of every cause"),
        pytest.param(Rows([1, 2], [1, 0], weight=[2, 3]), [3 / 5] * 2, [6 / 125] * 2, id="weights"),
    ],
)
def test_ties_and_edges_by_hand(sample: Rows, survival: list[float], variance: list[float]) -> None:
    curve = curve_of(sample)
    assert_fractions(curve.survival, survival)
    assert_fractions(curve.standard_error**2, variance)


def test_clusters_by_hand() -> None:
    """Deaths at 1, 2 and 3, the first and last of one patient: influences on log S of -+1/6 at 1 and +-1/3 at 2."""
    curve = kaplan_meier(observe([1, 2, 3], [1, 1, 1], cluster=[0, 1, 0]))
    assert_fractions(curve.log_variance, [2 / 36, 2 / 9, NONE])
    assert_fractions(curve.cumulative_hazard_standard_error**2, [2 / 81, 25 / 648, 25 / 648])


def test_limits_follow_the_level_and_type_asked_for() -> None:
    observations = observe([1, 2], [1, 0])
    plain = kaplan_meier(observations, confidence_level=0.5, confidence_type="plain")
    assert_fractions((plain.lower + plain.upper) / 2, [1 / 2, 1 / 2])
    np.testing.assert_allclose(plain.upper - plain.lower, 2 * 0.6744897501960817 / 8**0.5, rtol=1e-12)
    log = kaplan_meier(observations)
    np.testing.assert_allclose(log.lower, 0.5 * np.exp(-1.959963984540054 / 2**0.5), rtol=1e-12)
    np.testing.assert_array_equal(log.upper, 1)


def test_survival_is_looked_up_as_a_step_function() -> None:
    """1 before the first follow-up time, the new value from an event on, the last value after the end."""
    curve = kaplan_meier(observe([1, 2, 4], [1, 1, 0]))
    times = np.array([5, 0, 0.99, 1, 1.5, 2, 4])
    np.testing.assert_array_equal(curve.at(times), [2, -1, -1, 0, 0, 1, 2])
    np.testing.assert_allclose(curve.survival_at(times), [1 / 3, 1, 1, 2 / 3, 2 / 3, 1 / 3, 1 / 3])


def test_near_ties_are_one_time() -> None:
    """0.1 + 0.2 and 0.3: 2 of 3 die, not 1 of 3 and then 1 of 2."""
    assert_fractions(kaplan_meier(observe([0.1 + 0.2, 0.3, 1], [1, 1, 0])).cumulative_hazard, [2 / 3] * 2)


def test_survival_ends_at_exactly_0_with_fractional_weights_and_entry() -> None:
    """The only subject at risk dies at 1: rounding in the sums of weights leaves nothing of it."""
    curve = kaplan_meier(observe([4, 5, 6, 1], [1, 1, 1, 1], entry=[3, 1, 2, 0], weight=[0.2, 0.3, 0.4, 0.6]))
    np.testing.assert_array_equal(curve.survival, 0)
    assert np.isnan(curve.standard_error).all()


@given(rows(causes=2, cluster=False, near_ties=True))
@settings(deadline=None)
def test_estimates_equal_the_definitions(sample: Rows) -> None:
    curve = curve_of(sample)
    subjects = literal.subjects(curve.observations)
    survival = np.array(literal.along(literal.survival, subjects, curve.time))
    variance = np.where(survival > 0, literal.along(literal.greenwood, subjects, curve.time), NONE)
    hazard = literal.along(literal.cumulative_hazard, subjects, curve.time)
    hazard_variance = literal.along(literal.cumulative_hazard_variance, subjects, curve.time)
    np.testing.assert_allclose(curve.survival, survival, rtol=1e-12)
    np.testing.assert_allclose(curve.standard_error**2, variance, rtol=1e-12)
    np.testing.assert_allclose(curve.standard_error, curve.survival * np.sqrt(curve.log_variance), rtol=1e-14)
    np.testing.assert_allclose(curve.cumulative_hazard, hazard, rtol=1e-12)
    np.testing.assert_allclose(curve.cumulative_hazard_standard_error**2, hazard_variance, rtol=1e-12)


@given(rows(cluster=True, max_size=7))
@settings(deadline=None, max_examples=60)
def test_clustered_errors_equal_the_jackknife_by_numerical_derivatives(sample: Rows) -> None:
    assume(len(set(sample.cluster or range(2))) > 1)
    curve = curve_of(sample)
    subjects = literal.subjects(curve.observations)

    def jackknife(estimate: literal.Estimate) -> list[float]:
        return [float(literal.jackknife_variance(estimate, subjects, time)) for time in curve.time]

    variance = np.where(curve.survival > 0, jackknife(literal.survival), NONE)
    np.testing.assert_allclose(curve.standard_error**2, variance, rtol=1e-9, atol=1e-12)
    hazard_variance = jackknife(literal.cumulative_hazard)
    np.testing.assert_allclose(curve.cumulative_hazard_standard_error**2, hazard_variance, rtol=1e-9, atol=1e-12)


@given(rows(near_ties=True))
@settings(deadline=None)
def test_survival_falls_within_0_and_1_and_below_the_exponential_of_the_hazard(sample: Rows) -> None:
    curve = curve_of(sample)
    assert (np.diff(curve.survival, prepend=1) <= 0).all()
    assert curve.survival[-1] >= 0
    assert (np.diff(curve.cumulative_hazard, prepend=0) >= 0).all()
    assert (curve.survival <= np.exp(-curve.cumulative_hazard) + 1e-15).all()


@given(shuffled(rows(near_ties=True)))
@settings(deadline=None)
def test_the_order_of_rows_changes_no_bit(samples: tuple[Rows, Rows]) -> None:
    first, second = (curve_of(sample) for sample in samples)
    for name in ESTIMATES:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), strict=True)


@given(rows(weight=True))
@settings(deadline=None)
def test_weights_are_replicated_rows(sample: Rows) -> None:
    assert_close(figures(curve_of(sample)), figures(curve_of(sample.replicated())))


@given(rows(weight=True, cluster=False), st.sampled_from([0.1, 2.0, 3.0]))
@settings(deadline=None)
def test_times_as_many_subjects_keep_survival_and_divide_its_variance(sample: Rows, times: float) -> None:
    curve = curve_of(sample)
    weight = times * np.array(sample.weight)
    multiplied = kaplan_meier(observe(**sample.columns() | {"weight": weight}))
    np.testing.assert_allclose(multiplied.survival, curve.survival, rtol=1e-9)
    np.testing.assert_allclose(multiplied.log_variance * times, curve.log_variance, rtol=1e-9)
    np.testing.assert_allclose(multiplied.cumulative_hazard, curve.cumulative_hazard, rtol=1e-9)


@given(rows(group=True), st.permutations(range(3)))
@settings(deadline=None)
def test_the_codes_of_the_groups_do_not_matter(sample: Rows, codes: list[int]) -> None:
    relabelled = replace(sample, group=[codes[code] for code in sample.group or []]).observe().split(3)
    for code, part in enumerate(sample.observe().split(sample.groups)):
        assert_close(figures(kaplan_meier(relabelled[codes[code]])), figures(kaplan_meier(part)))


@given(rows(cluster=True))
@settings(deadline=None)
def test_the_codes_of_the_clusters_do_not_matter(sample: Rows) -> None:
    relabelled = replace(sample, cluster=[99 - code for code in sample.cluster or []])
    assert_close(figures(curve_of(relabelled)), figures(curve_of(sample)))


@given(rows(), st.sampled_from([0.25, 1 / 3, 7.0, 365.25, 1e6]))
@settings(deadline=None)
def test_another_unit_of_time_scales_the_times_alone(sample: Rows, factor: float) -> None:
    scaled: dict[str, Any]
    scaled = {name: factor * np.array(sample.columns()[name]) for name in ("time", "entry") if name in sample.columns()}
    curve, other = curve_of(sample), kaplan_meier(observe(**sample.columns() | scaled))
    np.testing.assert_array_equal(other.time, curve.time * factor)
    for name in ESTIMATES[1:]:
        np.testing.assert_array_equal(getattr(other, name), getattr(curve, name))


@given(rows(entry=False, weight=False))
@settings(deadline=None)
def test_without_censoring_survival_is_one_minus_the_empirical_distribution(sample: Rows) -> None:
    curve = curve_of(replace(sample, cause=[1] * sample.size))
    empirical = [np.mean(np.array(sample.time) <= time) for time in curve.time]
    np.testing.assert_allclose(curve.survival, 1 - np.array(empirical), atol=1e-15)


@given(rows(entry=False, weight=False))
@settings(deadline=None)
def test_clusters_of_one_row_give_greenwoods_errors_and_binomial_ones_of_the_hazard(sample: Rows) -> None:
    assume(sample.size > 1)
    plain = curve_of(replace(sample, cluster=None))
    alone = curve_of(replace(sample, cluster=list(range(sample.size))))
    np.testing.assert_allclose(alone.log_variance, plain.log_variance, rtol=1e-9, atol=1e-15)
    n, d = plain.table.at_risk, plain.table.events
    binomial = np.cumsum(d * (n - d) / n**3)
    np.testing.assert_allclose(alone.cumulative_hazard_standard_error**2, binomial, rtol=1e-9, atol=1e-15)


@given(rows(entry=True, cluster=True))
@settings(deadline=None)
def test_follow_up_cut_in_two_counts_as_one(sample: Rows) -> None:
    """(entry, u] censored and (u, time] of one patient are the same as (entry, time]."""
    whole, parts = curve_of(sample), curve_of(sample.cut_in_two())
    assert_close(figures(parts)[:, parts.at(whole.time)], figures(whole))


@given(rows(entry=False))
@settings(deadline=None)
def test_entry_at_the_origin_is_no_delay(sample: Rows) -> None:
    later = replace(sample, time=[time + 1 for time in sample.time])
    assert_close(figures(curve_of(replace(later, entry=[0] * sample.size))), figures(curve_of(later)))


@pytest.mark.parametrize("clusters", [[None] * 3, [[2, 0, 0, 1, 1], [0, 1, 0, 1], [3, 3, 3]]])
def test_samples_together_have_the_curves_that_they_have_alone(clusters: list[list[int] | None]) -> None:
    """To the bit, whether they have clusters or not."""
    samples = [
        observe([3, 1, 4, 1, 5], [1, 1, 0, 1, 1], cluster=clusters[0]),
        observe([2, 7, 1, 8], [1, 0, 1, 1], cluster=clusters[1]),
        observe([2, 8, 4], [0, 1, 1], entry=[1, 0, 2], cluster=clusters[2]),
    ]
    together = kaplan_meier(*samples)
    for place, sample in enumerate(samples):
        part, alone = together.part(place), kaplan_meier(sample).part(0)
        for name in CURVES:
            np.testing.assert_array_equal(getattr(part, name), getattr(alone, name))
        np.testing.assert_array_equal(part.table.position, alone.table.position)
