"""A survival estimate whole: what is put together, by hand and against R."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.analysis import survival
from app.analysis.conventions import CONVENTIONS, ConventionName
from app.analysis.landmarks import BEYOND_FOLLOW_UP
from app.analysis.observations import observe
from app.analysis.survival import SurvivalOptions, estimate_samples, estimate_survival, means_until
from tests.references import blocks, group_samples

R = SurvivalOptions(CONVENTIONS["r"])


def test_counts_and_person_time_by_hand() -> None:
    """Weights 2, 1, 3 at 4, 6, 9, the last entering at 1: 2 x 4 + 6 + 3 x 8 = 38."""
    found = estimate_survival(observe([4, 6, 9], [True, False, True], entry=[0, 0, 1], weight=[2, 1, 3]), R)
    assert (found.subjects, found.events, found.censored, found.person_time) == (6, 5, 1, 38)


def test_person_time_since_a_start_by_hand() -> None:
    """Since 5: of those followed to 6 and 9 each from 5 on, of that to 8 from its entry at 7 on: 1 + 4 + 1 = 6."""
    sample = observe([4, 6, 9, 8], [True, False, True, True], entry=[0, 0, 1, 7])
    found = estimate_survival(sample.since(5), R)
    assert (found.subjects, found.events, found.person_time) == (3, 2, 6)
    assert estimate_survival(observe([4, 6, 9], [1, 1, 1]).since(5), R).person_time == 5


@pytest.mark.parametrize(("name", "horizon"), [("r", 20), ("sas", 5), ("spss", 8), ("stata", 8)])
def test_the_mean_runs_to_the_horizon_of_the_convention(name: ConventionName, horizon: float) -> None:
    """Last event at 5, last follow-up of the group at 8, of all groups at 20."""
    observations = observe([2, 5, 8], [True, True, False])
    found = estimate_survival(observations, SurvivalOptions(CONVENTIONS[name]), largest_time_of_all=20)
    assert found.restricted_mean.horizon == horizon


@pytest.mark.parametrize("name", CONVENTIONS)
def test_the_mean_runs_to_the_horizon_asked_for(name: ConventionName) -> None:
    """S = 1, 2/3 and 1/3 from 0, 2 and 5 on; until 6 the area is 2 + 3 x 2/3 + 1/3."""
    options = SurvivalOptions(CONVENTIONS[name], horizon=6)
    found = estimate_survival(observe([2, 5, 8], [True, True, False]), options, largest_time_of_all=20).restricted_mean
    assert [found.horizon, found.estimate] == pytest.approx([6, 13 / 3])


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_horizon_beyond_the_last_follow_up_has_a_mean_where_survival_is_carried_forward(
    name: ConventionName,
) -> None:
    found = estimate_survival(observe([2, 4], [True, False]), SurvivalOptions(CONVENTIONS[name], horizon=6))
    mean = found.restricted_mean
    if name == "r":
        assert (mean.estimate, mean.reason) == (4, None)
    else:
        assert np.isnan(mean.estimate)
        assert mean.reason == "the horizon lies beyond the last follow-up, where survival is not known"


def test_without_events_the_mean_of_sas_has_no_horizon() -> None:
    found = estimate_survival(observe([2, 5], [False, False]), SurvivalOptions(CONVENTIONS["sas"]))
    assert np.isnan(found.restricted_mean.estimate)
    assert found.restricted_mean.reason == "the horizon, 0, is not after the start"


def test_without_events_after_a_start_the_mean_of_sas_has_no_horizon_either() -> None:
    found = estimate_survival(observe([2, 5], [True, False]).since(3), SurvivalOptions(CONVENTIONS["sas"]))
    mean = found.restricted_mean
    assert (mean.horizon, mean.reason) == (3, "the horizon, 3, is not after the start")


def test_the_variance_of_the_mean_has_the_factor_of_the_convention() -> None:
    """Two events: SAS multiplies by 2 / 1."""
    curve = estimate_survival(observe([2, 5, 8], [True, True, False]), R).curve
    options = [SurvivalOptions(CONVENTIONS[name]) for name in CONVENTIONS]
    errors = {one.convention.name: means_until([8], [curve], one)[0].standard_error for one in options}
    assert errors["r"] == errors["spss"] == errors["stata"]
    assert errors["sas"] == pytest.approx(errors["r"] * 2**0.5)


def test_the_median_is_there_whatever_quantiles_are_asked_for() -> None:
    found = estimate_survival(observe([1, 2, 3], [True] * 3), SurvivalOptions(CONVENTIONS["r"], quantiles=(0.9,)))
    assert found.median.estimate == 2
    assert [one.probability for one in found.quantiles] == [0.9]
    found = estimate_survival(observe([1, 2, 3], [True] * 3), R)
    assert [one.probability for one in found.quantiles] == [0.25, 0.5, 0.75]
    assert found.quantiles[1] == found.median


def test_level_and_type_of_intervals_reach_all_that_has_limits() -> None:
    sample, asked = observe(range(1, 13), [True, False] * 6), SurvivalOptions(CONVENTIONS["r"], landmarks=(5, 99))
    options = replace(asked, confidence_level=0.5, confidence_type="plain")
    wide, narrow = (estimate_survival(sample, one) for one in (asked, options))
    for found in (wide, narrow):
        assert found.rates[0].lower == found.curve.lower[4]
        assert found.rates[0].upper == found.curve.upper[4]
    assert narrow.rates[0].lower > wide.rates[0].lower
    assert narrow.median.lower > wide.median.lower
    assert narrow.restricted_mean.lower > wide.restricted_mean.lower
    assert narrow.follow_up.reverse_kaplan_meier.lower > wide.follow_up.reverse_kaplan_meier.lower
    assert asked.interval == "log"
    assert SurvivalOptions(CONVENTIONS["spss"]).interval == "plain"
    assert SurvivalOptions(CONVENTIONS["spss"]).normal_quantile == 1.96


@pytest.mark.parametrize("name", CONVENTIONS)
def test_rates_beyond_the_last_follow_up_follow_the_convention(name: ConventionName) -> None:
    found = estimate_survival(observe([2, 4], [True, False]), SurvivalOptions(CONVENTIONS[name], landmarks=(5,)))
    assert found.rates[0].reason == (None if name == "r" else BEYOND_FOLLOW_UP)


def test_numbers_at_risk_are_there_where_asked_for() -> None:
    sample = observe([2, 4], [True, False])
    assert estimate_survival(sample, R).risk_table is None
    found = estimate_survival(sample, replace(R, risk_table_times=(0, 3))).risk_table
    assert found is not None
    assert [found.at_risk.tolist(), found.events.tolist(), found.censored.tolist()] == [[2, 1], [0, 1], [0, 0]]
    empty = estimate_survival(sample, replace(R, risk_table_times=())).risk_table
    assert empty is not None
    assert empty.time.size == 0


def test_one_of_several_causes_leaves_the_follow_up_to_the_censorings() -> None:
    """Cause 1 at 2; 2 at 4 is a censoring to survival, but ends no follow-up: the reverse curve falls at 6 alone."""
    observations = observe([2, 4, 6], [1, 2, 0])
    found = estimate_survival(observations, replace(R, risk_table_times=(5,)), cause=1)
    assert (found.events, found.censored) == (1, 2)
    assert found.follow_up.reverse_kaplan_meier.estimate == 6
    np.testing.assert_allclose(found.curve.survival, [2 / 3] * 3)
    assert found.risk_table is not None
    assert [found.risk_table.events.tolist(), found.risk_table.censored.tolist()] == [[1], [1]]


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("smallest", [5e-324, 1e-310])
def test_times_as_small_as_numbers_can_be_give_no_warning(smallest: float, clustered: bool) -> None:
    """Warnings are errors here: the density of a median does not overflow."""
    cluster = range(3) if clustered else None
    found = estimate_survival(observe([smallest] * 3, [1, 1, 0], cluster=cluster), R)
    assert found.median.estimate == smallest


FILES = ("aml", "lung", "veteran", "ovarian", "kidney", "melanoma", "myeloma", "rhdnase", "rats2")


@pytest.mark.parametrize(
    ("name", "block"),
    [pytest.param(name, block, id=f"{name}-{block['id']}") for name in FILES for block in blocks(name, "person_time")],
)
def test_person_time_equals_r(name: str, block: dict[str, Any]) -> None:
    for part, expected in group_samples(name, block, "rates"):
        found = estimate_survival(part, R)
        assert found.events == expected["events"]
        assert found.person_time == pytest.approx(expected["person_time"], rel=1e-12)


def test_large_samples_are_estimated_one_by_one_with_the_same_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [observe([1, 2, 3, 5], [1, 0, 1, 1]), observe([2, 4, 6], [1, 1, 0])]
    together = estimate_samples(samples, R)
    monkeypatch.setattr(survival, "TOGETHER", 0)
    for one, other in zip(together, estimate_samples(samples, R), strict=True):
        for name in ("median", "restricted_mean", "follow_up"):
            assert str(getattr(one, name)) == str(getattr(other, name))
        np.testing.assert_array_equal(one.curve.lower, other.curve.lower)
