"""A survival estimate whole, and comparisons: what is put together, by hand and against R."""

import numpy as np
import pytest

from app.analysis.conventions import CONVENTIONS, ConventionName
from app.analysis.kaplan_meier import kaplan_meier
from app.analysis.observations import Observations, observe
from app.analysis.survival import (
    BEYOND_FOLLOW_UP,
    SurvivalEstimate,
    SurvivalOptions,
    compare_survival,
    estimate_survival,
    landmark_rates,
)
from tests.references import assert_equal_to_r, blocks, group_samples, numbers, sample

R = SurvivalOptions(CONVENTIONS["r"])
NAMES: list[ConventionName] = ["r", "sas", "spss", "stata"]


def by_group(observations: Observations, groups: int, options: SurvivalOptions) -> list[SurvivalEstimate]:
    last = float(observations.time[-1])
    return [estimate_survival(part, options, largest_time_of_all=last) for part in observations.split(groups)]


def test_counts_and_person_time_by_hand() -> None:
    """Weights 2, 1, 3 at 4, 6, 9, the last entering at 1: 2 x 4 + 6 + 3 x 8 = 38."""
    found = estimate_survival(observe([4, 6, 9], [True, False, True], entry=[0, 0, 1], weight=[2, 1, 3]), R)
    assert (found.subjects, found.events, found.censored, found.person_time) == (6, 5, 1, 38)


@pytest.mark.parametrize(("name", "horizon"), [("r", 20), ("sas", 5), ("spss", 8), ("stata", 8)])
def test_the_mean_runs_to_the_horizon_of_the_convention(name: ConventionName, horizon: float) -> None:
    """Last event at 5, last follow-up of the group at 8, of all groups at 20."""
    observations = observe([2, 5, 8], [True, True, False])
    found = estimate_survival(observations, SurvivalOptions(CONVENTIONS[name]), largest_time_of_all=20)
    assert found.restricted_mean.horizon == horizon


def test_without_events_the_mean_of_sas_has_no_horizon() -> None:
    found = estimate_survival(observe([2, 5], [False, False]), SurvivalOptions(CONVENTIONS["sas"]))
    assert np.isnan(found.restricted_mean.estimate)
    assert found.restricted_mean.reason == "the horizon is 0"


def test_the_median_is_there_whatever_quantiles_are_asked_for() -> None:
    found = estimate_survival(observe([1, 2, 3], [True] * 3), SurvivalOptions(CONVENTIONS["r"], quantiles=(0.9,)))
    assert found.median.estimate == 2
    assert [one.probability for one in found.quantiles] == [0.9]


def test_one_of_several_causes_leaves_the_follow_up_to_the_censorings() -> None:
    """Cause 1 at 2; 2 at 4 is a censoring to survival, but ends no follow-up: the reverse curve falls at 6 alone."""
    observations = observe([2, 4, 6], [1, 2, 0], group=[0, 1, 1])
    found = estimate_survival(observations, R, cause=1)
    assert (found.events, found.censored) == (1, 2)
    assert found.follow_up.reverse_kaplan_meier.estimate == 6
    np.testing.assert_allclose(found.curve.survival, [2 / 3] * 3)
    estimates = [estimate_survival(part, R, cause=1) for part in observations.split(2)]
    (test,) = compare_survival(observations, estimates, R, cause=1).tests
    assert test.observed is not None
    np.testing.assert_array_equal(test.observed, [1, 0])


def test_landmarks_before_within_and_after_follow_up() -> None:
    """S = 1 before 2, 2/3 from 2 on, 0 from 6 on."""
    curve = kaplan_meier(observe([2, 4, 6], [True, False, True]))
    before, at_event, between, after = landmark_rates(curve, [1, 2, 5, 7], "log", R)
    assert (before.at_risk, before.events, before.survival, before.standard_error) == (3, 0, 1, 0)
    assert (before.lower, before.upper) == (1, 1)
    assert (at_event.at_risk, at_event.events) == (3, 1)
    assert at_event.survival == pytest.approx(2 / 3)
    assert (between.at_risk, between.events, between.survival) == (1, 1, at_event.survival)
    assert (after.at_risk, after.events, after.survival) == (0, 2, 0)
    assert np.isnan([after.standard_error, after.lower, after.upper]).all()
    assert after.reason == "no interval at 0"


def test_a_landmark_that_ties_with_a_death_comes_after_it() -> None:
    """0.1 + 0.2 is a little more than 0.3 in floating point, and one time with it."""
    curve = kaplan_meier(observe([0.1 + 0.2, 4], [True, False]))
    (found,) = landmark_rates(curve, [0.3], "log", R)
    assert (found.time, found.at_risk, found.events, found.survival) == (0.3, 2, 1, 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_beyond_the_last_follow_up_survival_is_carried_forward_or_unknown(name: ConventionName) -> None:
    curve = kaplan_meier(observe([2, 4], [True, False]))
    last, beyond = landmark_rates(curve, [4, 5], "log", SurvivalOptions(CONVENTIONS[name]))
    assert last.survival == 0.5
    if name == "r":
        assert (beyond.survival, beyond.reason) == (0.5, None)
    else:
        assert np.isnan([beyond.survival, beyond.standard_error, beyond.lower, beyond.upper]).all()
        assert beyond.reason == BEYOND_FOLLOW_UP


@pytest.mark.parametrize("name", ["aml", "lung", "veteran", "ovarian"])
def test_landmark_rates_equal_r(name: str) -> None:
    for block in blocks(name, "km"):
        if block["id"].startswith("sampling"):
            continue
        for part, stratum in group_samples(name, block):
            expected = stratum["landmarks"]
            options = SurvivalOptions(CONVENTIONS["r"], confidence_level=block["conf_level"])
            for kind, limits in expected["ci"].items():
                curve = kaplan_meier(part, confidence_level=block["conf_level"], confidence_type=kind)
                found = landmark_rates(curve, expected["times"], kind, options)
                assert_equal_to_r([one.survival for one in found], expected["surv"])
                assert_equal_to_r([one.standard_error for one in found], expected["std_err"])
                assert_equal_to_r([one.lower for one in found], limits["lower"])
                assert_equal_to_r([one.upper for one in found], limits["upper"])
                assert_equal_to_r([one.at_risk for one in found], expected["n_risk"])


def test_groups_are_compared_up_to_the_shortest_of_their_follow_ups() -> None:
    observations = observe([3, 7, 4, 9], [True] * 4, group=[0, 0, 1, 1])
    found = compare_survival(observations, by_group(observations, 2, R), R)
    (pair,) = found.restricted_mean_differences
    assert (pair.first, pair.second, pair.horizon) == (0, 1, 7)
    assert pair.compared.difference == (3 + 7) / 2 - (4 + 7) / 2
    assert [test.name for test in found.tests] == ["log-rank"]


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("smallest", [5e-324, 1e-310])
def test_times_as_small_as_numbers_can_be_give_no_warning(smallest: float, clustered: bool) -> None:
    """Warnings are errors here: neither the density of a median nor the ratio of means overflows."""
    observations = observe(
        [smallest] * 6, [1, 1, 0, 1, 0, 0], group=[0, 0, 0, 1, 1, 1], cluster=range(6) if clustered else None
    )
    estimates = by_group(observations, 2, R)
    assert estimates[0].median.estimate == smallest
    assert compare_survival(observations, estimates, R).restricted_mean_differences[0].compared.ratio == 1


def test_groups_that_end_at_the_origin_have_no_mean_to_compare() -> None:
    observations = observe([0, 5], [True, True], group=[0, 1])
    assert compare_survival(observations, by_group(observations, 2, R), R).restricted_mean_differences == []


def test_clusters_bring_the_robust_score_test() -> None:
    observations = observe(range(1, 9), [True] * 8, group=[0, 1] * 4, cluster=[0, 0, 1, 1, 2, 2, 3, 3])
    estimates = by_group(observations, 2, R)
    assert [test.name for test in compare_survival(observations, estimates, R).tests] == ["log-rank", "robust-score"]
    without = SurvivalOptions(CONVENTIONS["r"], tests=())
    assert [test.name for test in compare_survival(observations, estimates, without).tests] == ["robust-score"]


@pytest.mark.parametrize(("name", "ties"), [("r", "efron"), ("spss", "breslow")])
def test_hazard_ratios_treat_ties_by_the_convention(name: ConventionName, ties: str) -> None:
    block = next(one for one in blocks("lung", "logrank") if one["id"] == "by_group")
    observations, labels = sample("lung", block)
    options = SurvivalOptions(CONVENTIONS[name])
    found = compare_survival(observations, by_group(observations, len(labels), options), options)
    expected = {"efron": -0.5310235, "breslow": -0.5303966}[ties]
    assert found.hazard_ratios[0].hazard_ratio == pytest.approx(np.exp(expected), abs=1e-7)


def test_every_pair_of_three_groups_is_compared() -> None:
    block = next(one for one in blocks("veteran", "km") if one["id"] == "by_celltype")
    observations, labels = sample("veteran", block)
    found = compare_survival(observations, by_group(observations, len(labels), R), R)
    pairs = [(pair.first, pair.second) for pair in found.restricted_mean_differences]
    assert pairs == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert [ratio.group for ratio in found.hazard_ratios] == [1, 2, 3]
    assert np.isfinite(numbers([ratio.hazard_ratio for ratio in found.hazard_ratios])).all()
