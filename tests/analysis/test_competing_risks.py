"""Cumulative incidences put together: landmarks by hand, and against R."""

import numpy as np
import pytest

from app.analysis.competing_risks import estimate_incidences
from app.analysis.conventions import CONVENTIONS
from app.analysis.landmarks import BEYOND_FOLLOW_UP
from app.analysis.observations import observe
from app.analysis.survival import SurvivalOptions
from tests.references import assert_equal_to_r, blocks, group_samples

TIED = observe([1, 1, 2, 2, 3, 4, 5, 5], [1, 2, 1, 2, 0, 1, 2, 0])


def test_incidences_at_landmarks_by_hand() -> None:
    """1/8 of each cause at 1, 1/4 at 2; at 4 another 1/2 x 1/3 of the first."""
    (found,) = estimate_incidences([TIED], 2, SurvivalOptions(CONVENTIONS["r"], landmarks=(0.5, 1, 4.5)), "log-log")
    first, second = found.rates
    assert [rate.cumulative_incidence for rate in first] == pytest.approx([0, 1 / 8, 5 / 12])
    assert [rate.cumulative_incidence for rate in second] == pytest.approx([0, 1 / 8, 1 / 4])
    assert [(rate.at_risk, rate.events) for rate in first] == [(8, 0), (8, 1), (2, 3)]
    assert [rate.survival for rate in found.event_free_rates] == pytest.approx([1, 3 / 4, 1 / 3])
    assert first[0].reason == "no interval at 0"
    assert first[1].reason is None


def test_incidences_and_event_free_probability_sum_to_one() -> None:
    (found,) = estimate_incidences([TIED], 2, SurvivalOptions(CONVENTIONS["r"], landmarks=(1, 2, 3, 4, 5)), "plain")
    sums = [
        sum(rate.cumulative_incidence for rate in rates) + free.survival
        for *rates, free in zip(*found.rates, found.event_free_rates, strict=True)
    ]
    assert sums == pytest.approx([1] * 5, rel=1e-15)


def test_a_landmark_that_ties_with_an_event_comes_after_it() -> None:
    observations = observe([0.1 + 0.2, 4], [1, 0])
    (found,) = estimate_incidences([observations], 1, SurvivalOptions(CONVENTIONS["r"], landmarks=(0.3,)), "log-log")
    (rate,) = found.rates[0]
    assert (rate.time, rate.at_risk, rate.events, rate.cumulative_incidence) == (0.3, 2, 1, 0.5)


@pytest.mark.parametrize("name", ["sas", "spss", "stata"])
def test_beyond_the_last_follow_up_incidences_are_unknown(name: str) -> None:
    options = SurvivalOptions(CONVENTIONS[name], landmarks=(6,))  # type: ignore[index]
    (found,) = estimate_incidences([TIED], 2, options, "log-log")
    for (rate,) in found.rates:
        assert np.isnan([rate.cumulative_incidence, rate.standard_error, rate.lower, rate.upper]).all()
        assert rate.reason == BEYOND_FOLLOW_UP


def test_r_carries_incidences_forward() -> None:
    (found,) = estimate_incidences([TIED], 2, SurvivalOptions(CONVENTIONS["r"], landmarks=(6,)), "log-log")
    assert [rates[0].cumulative_incidence for rates in found.rates] == pytest.approx([5 / 12, 5 / 12])


@pytest.mark.parametrize("kind", ["plain", "log", "log-log"])
def test_landmarks_equal_survfit(kind: str) -> None:
    for block in blocks("melanoma", "aalen_johansen"):
        for part, stratum in group_samples("melanoma", block):
            expected = stratum["landmarks"]
            options = SurvivalOptions(CONVENTIONS["r"], landmarks=tuple(expected["times"]))
            (found,) = estimate_incidences([part], 2, options, kind)  # type: ignore[arg-type]
            for cause, rates in zip("12", found.rates, strict=True):
                state = expected["states"][cause]
                assert_equal_to_r([rate.cumulative_incidence for rate in rates], state["prob"])
                assert_equal_to_r([rate.standard_error for rate in rates], state["std_err"])
                assert_equal_to_r([rate.lower for rate in rates], state["ci"][kind]["lower"])
                assert_equal_to_r([rate.upper for rate in rates], state["ci"][kind]["upper"])
            event_free = expected["states"]["event_free"]
            assert_equal_to_r([rate.survival for rate in found.event_free_rates], event_free["prob"])
            assert_equal_to_r([rate.lower for rate in found.event_free_rates], event_free["ci"][kind]["lower"])
