"""Restricted means: by hand, as an integral, by a numerical jackknife, and against R, SAS and SPSS."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.influence import SINGLE_CLUSTER
from app.analysis.intervals import normal_quantile
from app.analysis.kaplan_meier import KaplanMeier, kaplan_meier
from app.analysis.observations import Observations, observe
from app.analysis.restricted_mean import RestrictedMean, compare_restricted_means, restricted_mean
from tests.references import blocks, group_samples, reference
from tests.strategies import Rows, rows

Z = normal_quantile(0.95)


def curve_of(time: list[float], event: list[int]) -> KaplanMeier:
    return kaplan_meier(observe(time, event))


def test_area_and_variance_by_hand() -> None:
    """S = 1, 3/4, 3/8, 0 from 0, 1, 3, 4 on; areas after 1 and 3 up to 4: 15/8 and 3/8."""
    mean = restricted_mean(curve_of([1, 2, 3, 4], [1, 0, 1, 1]), 4, Z)
    variance = Fraction(15, 8) ** 2 / (4 * 3) + Fraction(3, 8) ** 2 / (2 * 1)
    assert mean.estimate == 1 + 0.75 * 2 + 0.375
    assert mean.standard_error == pytest.approx(float(variance) ** 0.5, rel=1e-14)
    assert mean.upper - mean.estimate == pytest.approx(Z * mean.standard_error)


def test_since_a_start_the_mean_is_the_area_from_there_by_hand() -> None:
    """Since 2: S = 1, 2/3, 0 from 2, 3, 5 on; 1 + 2 x 2/3 up to 5, variance (4/3)^2 / (3 x 2)."""
    mean = restricted_mean(kaplan_meier(observe([1, 3, 5, 5], [1, 1, 1, 1]).since(2)), 5, Z)
    assert mean.estimate == pytest.approx(7 / 3)
    assert mean.standard_error == pytest.approx(4 / 3 / 6**0.5)
    before = restricted_mean(kaplan_meier(observe([1, 3, 5, 5], [1, 1, 1, 1]).since(2)), 2.5, Z)
    assert (before.estimate, before.standard_error) == (0.5, 0)


def test_a_horizon_before_the_first_event_is_its_own_mean() -> None:
    mean = restricted_mean(curve_of([5, 6], [1, 1]), 3, Z)
    assert (mean.estimate, mean.standard_error) == (3, 0)


def test_beyond_the_last_follow_up_the_mean_exists_only_if_survival_is_known() -> None:
    still_alive, all_dead = curve_of([1, 2], [1, 0]), curve_of([1, 2], [1, 1])
    assert restricted_mean(still_alive, 3, Z).estimate == 2
    missing = restricted_mean(still_alive, 3, Z, carries_forward=False)
    assert np.isnan([missing.estimate, missing.standard_error, missing.lower, missing.upper]).all()
    assert missing.reason == "the horizon lies beyond the last follow-up, where survival is not known"
    assert restricted_mean(all_dead, 3, Z, carries_forward=False).estimate == 1.5


def test_a_horizon_that_ties_with_the_last_follow_up_does_not_lie_beyond_it() -> None:
    mean = restricted_mean(curve_of([0.1, 0.3], [1, 0]), 0.1 + 0.2, Z, carries_forward=False)
    assert mean.estimate == pytest.approx(0.2)


def test_the_correction_of_sas_needs_two_events() -> None:
    mean = restricted_mean(curve_of([1, 2], [1, 0]), 2, Z, corrects_variance=True)
    assert mean.estimate == 1.5
    assert np.isnan(mean.standard_error)
    assert mean.reason == "no standard error: fewer than 2 events"


def test_the_sas_figures_of_aml() -> None:
    columns = reference("aml")["columns"]
    rows = [row for row, label in enumerate(columns["group"]) if label == "Maintained"]
    curve = kaplan_meier(observe(np.array(columns["time"])[rows], np.array(columns["event"])[rows]))
    mean = restricted_mean(curve, 161, Z, corrects_variance=True)
    assert mean.standard_error == pytest.approx(21.4173, abs=5e-5)


def mean_with_row_weights(observations: Observations, extra: FloatArray, horizon: float) -> float:
    """Return the mean when each row weighs `extra` more, from the definition and row by row."""
    weight, area, survival, last = observations.weights + extra, 0.0, 1.0, 0.0
    entry = np.zeros(observations.size) if observations.entry is None else observations.entry
    for time in sorted(set(observations.time[observations.time < horizon])):
        area += survival * (time - last)
        at_risk = sum(w for w, e, t in zip(weight, entry, observations.time, strict=True) if e < time <= t)
        died = sum(w for w, t, c in zip(weight, observations.time, observations.cause, strict=True) if t == time and c)
        survival, last = survival * (1 - died / at_risk), time
    return float(area + survival * (horizon - last))


@pytest.mark.parametrize("has_entry", [False, True])
def test_the_clustered_variance_is_the_jackknife_of_the_definition(has_entry: bool) -> None:
    """Numerical derivatives with respect to the weights of rows, summed within clusters and squared."""
    random = np.random.default_rng(3)
    time = random.integers(2, 12, 40).astype(float)
    observations = observe(
        time,
        random.random(40) < 0.6,
        entry=np.where(np.arange(40) < 10, 0, np.minimum(random.integers(0, 3, 40), time - 1)) if has_entry else None,
        cluster=random.integers(0, 12, 40),
    )
    step = 1e-6
    cluster = observations.cluster
    assert cluster is not None
    for horizon in (6.0, 7.5, 14.0):
        derivative = [
            (mean_with_row_weights(observations, row, horizon) - mean_with_row_weights(observations, -row, horizon))
            / (2 * step)
            for row in np.eye(observations.size) * step
        ]
        mean = restricted_mean(kaplan_meier(observations), horizon, Z)
        expected = np.bincount(cluster, observations.weights * derivative)
        assert mean.influence is not None
        np.testing.assert_allclose(mean.influence, expected, rtol=1e-5, atol=1e-7)
        assert mean.standard_error == pytest.approx(float(np.sqrt(np.sum(expected**2))), rel=1e-5)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=25), st.integers(1, 12))
@settings(deadline=None)
def test_clusters_of_one_row_change_nothing(rows: list[tuple[int, bool]], horizon: int) -> None:
    assume(len(rows) > 1)
    time, event = [row[0] for row in rows], [row[1] for row in rows]
    plain = restricted_mean(kaplan_meier(observe(time, event)), horizon, Z)
    single = restricted_mean(kaplan_meier(observe(time, event, cluster=range(len(rows)))), horizon, Z)
    assert single.estimate == plain.estimate
    np.testing.assert_allclose(single.standard_error, plain.standard_error, rtol=1e-9, atol=1e-12)


@given(rows(), st.integers(0, 6), st.integers(1, 8))
@settings(deadline=None)
def test_since_a_start_the_mean_is_that_of_times_from_there_on(sample: Rows, start: int, length: int) -> None:
    """With entry and clusters: what was before the start does not matter."""
    followed = sample.observe().since(start)
    if followed.size == 0:
        return
    entry = None if followed.entry is None else followed.entry - start
    moved = replace(followed, time=followed.time - start, entry=entry, start=0.0)
    found = restricted_mean(kaplan_meier(followed), start + length, Z)
    expected = restricted_mean(kaplan_meier(moved), length, Z)
    np.testing.assert_allclose(found.estimate, expected.estimate, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.standard_error, expected.standard_error, rtol=1e-9, atol=1e-12)


def test_without_censoring_the_mean_is_the_mean_of_the_cut_times() -> None:
    time = [1.0, 4.0, 4.0, 6.0, 11.0]
    assert restricted_mean(curve_of(time, [1] * 5), 8, Z).estimate == pytest.approx(np.minimum(time, 8).mean())


FILES = ("aml", "lung", "veteran", "ovarian", "kidney", "melanoma", "myeloma")


@pytest.mark.parametrize(
    ("name", "block"),
    [
        pytest.param(name, block, id=f"{name}-{block['id']}")
        for name in FILES
        for block in blocks(name, "km")
        if "rmean" in block["strata"][0]
    ],
)
def test_means_equal_survfit(name: str, block: dict[str, Any]) -> None:
    """With entry and with weights; R has no means with a robust variance."""
    for part, stratum in group_samples(name, block):
        for expected in stratum["rmean"].values():
            mean = restricted_mean(kaplan_meier(part), expected["tau"], Z)
            np.testing.assert_allclose(mean.estimate, expected["rmean"], rtol=1e-9)
            np.testing.assert_allclose(mean.standard_error, expected["std_err"], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["aml", "lung", "veteran", "ovarian", "kidney", "melanoma"])
def test_differences_and_ratios_equal_r(name: str) -> None:
    for block in blocks(name, "rmst"):
        groups = {
            expected["group"]: restricted_mean(kaplan_meier(part), block["inputs"]["tau"], Z)
            for part, expected in group_samples(name, block, "groups")
        }
        assert block["comparisons"]
        for expected in block["comparisons"]:
            found = compare_restricted_means(groups[expected["comparison"]], groups[expected["reference"]], Z)
            difference, ratio = expected["difference"], expected["ratio"]
            np.testing.assert_allclose(
                [found.difference, found.standard_error, found.lower, found.upper, found.p_value],
                [difference[key] for key in ("estimate", "std_err", "lower", "upper", "p_value")],
                rtol=1e-9,
            )
            np.testing.assert_allclose(
                [found.ratio, found.ratio_lower, found.ratio_upper],
                [ratio[key] for key in ("estimate", "lower", "upper")],
                rtol=1e-9,
            )


def test_groups_that_share_clusters_are_compared_by_the_influence_on_their_difference() -> None:
    """The same clusters move both means alike: their difference has no error at all."""
    one = RestrictedMean(5, 3.0, 0.5, 2.0, 4.0, influence=np.array([0.3, 0.4]))
    other = RestrictedMean(5, 2.0, 0.5, 1.0, 3.0, influence=np.array([0.3, 0.4, 0.0]))
    compared = compare_restricted_means(one, other, Z)
    assert (compared.difference, compared.standard_error) == (1.0, 0.0)
    assert np.isnan(compared.p_value)


def test_a_mean_of_zero_has_no_ratio() -> None:
    compared = compare_restricted_means(RestrictedMean(5, 0, 0, 0, 0), RestrictedMean(5, 2, 1, 0, 4), Z)
    assert compared.difference == -2
    assert np.isnan([compared.ratio, compared.ratio_lower, compared.ratio_upper]).all()


@pytest.mark.parametrize("group", ["1", "2", None])
def test_means_equal_spss(group: str | None) -> None:
    columns, expected = reference("spss31")["columns"], reference("spss31")["expected"]["mean"][group or "overall"]
    rows = [row for row, label in enumerate(columns["group"]) if group in (None, label)]
    curve = kaplan_meier(observe(np.array(columns["time"])[rows], np.array(columns["event"])[rows]))
    mean = restricted_mean(curve, curve.time[-1], 1.96)
    np.testing.assert_allclose(mean.estimate, expected["estimate"], rtol=1e-9)
    np.testing.assert_allclose(mean.standard_error, expected["standard_error"], rtol=1e-9)


def test_a_ratio_whose_error_is_beyond_numbers_has_limits_0_and_infinity() -> None:
    tiny, other = RestrictedMean(5, 1e-3, 1.0, -1.9, 2.0), RestrictedMean(5, 2.0, 0.4, 1.2, 2.8)
    compared = compare_restricted_means(tiny, other, Z)
    assert (compared.ratio, compared.ratio_lower, compared.ratio_upper) == (0.0005, 0.0, np.inf)


def test_a_single_cluster_has_no_error_whatever_its_code() -> None:
    parts = observe([1, 2, 3, 4], [1] * 4, group=[0, 0, 1, 1], cluster=[0, 0, 1, 1]).split(2)
    assert [restricted_mean(kaplan_meier(part), 4, Z).reason for part in parts] == [SINGLE_CLUSTER] * 2
