"""Follow-up: by hand, and against R."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.conventions import CONVENTIONS
from app.analysis.follow_up import FollowUp, follow_up
from app.analysis.kaplan_meier import kaplan_meier
from app.analysis.observations import observe
from app.analysis.quantiles import quantile
from tests.references import assert_equal_to_r, blocks, group_samples

R = CONVENTIONS["r"]


def test_observed_times_are_described_as_they_are() -> None:
    found = follow_up(observe([7, 1, 3, 2], [True, True, False, False]), R, 0.95, "log")
    assert (found.minimum, found.maximum, found.mean) == (1, 7, 3.25)
    assert (found.lower_quartile, found.median, found.upper_quartile) == (1.75, 2.5, 4)


def test_a_death_stays_at_risk_for_a_censoring_at_the_same_time() -> None:
    """Censorings at 2 (n = 3, with the death at 2) and 4 (n = 1): the reverse curve is 2/3, then 0."""
    found = follow_up(observe([2, 2, 4], [True, False, False]), R, 0.95, "log")
    assert found.reverse_kaplan_meier.estimate == 4
    reverse = kaplan_meier(observe([2, 2, 4], [True, False, False]).flipped())
    np.testing.assert_allclose(reverse.survival, [2 / 3, 0], rtol=1e-15)


def test_without_censoring_there_is_no_reverse_median() -> None:
    found = follow_up(observe([1, 2], [True, True]), R, 0.95, "log")
    assert np.isnan(found.reverse_kaplan_meier.estimate)
    assert found.reverse_kaplan_meier.reason == "not reached: survival stays above 0.5"


def test_weights_are_replicated_rows() -> None:
    time, event, weight = [1.0, 4.0, 6.0], [True, False, True], [3, 2, 4]
    weighted = follow_up(observe(time, event, weight=weight), R, 0.95, "log")
    replicated = follow_up(observe(np.repeat(time, weight), np.repeat(event, weight)), R, 0.95, "log")
    np.testing.assert_equal(asdict(weighted), asdict(replicated))


def sampling(time: list[float], weight: list[float], event: list[bool] | None = None) -> FollowUp:
    sample = observe(time, event or [False] * len(time), weight=weight, sampling=True)
    return follow_up(sample, R, 0.95, "log")


def test_sampling_weights_are_scaled_to_the_number_of_rows_by_hand() -> None:
    """Weights 3, 1, 1, 3 are 1.5, 0.5, 0.5, 1.5 of 4 rows, cumulated 1.5, 2, 2.5, 4.

    The time at place k is where they pass k: those at places 0, 1, 2, 3 are 1, 1, 4, 8. The quartiles lie at
    0.75, 1.5 and 2.25.
    """
    found = sampling([1, 2, 4, 8], [3, 1, 1, 3])
    assert found.mean == (3 * 1 + 2 + 4 + 3 * 8) / 8
    assert (found.minimum, found.maximum) == (1, 8)
    assert (found.lower_quartile, found.median, found.upper_quartile) == (1, (1 + 4) / 2, 4 + (8 - 4) / 4)


@pytest.mark.parametrize("unit", [0.001, 0.3, 7.0, 1e6])
def test_the_unit_of_sampling_weights_does_not_matter(unit: float) -> None:
    time, weight, event = [1.0, 4.0, 6.0, 9.0, 10.0], [3.0, 2.0, 4.0, 1.0, 2.0], [True, False, False, True, False]
    scaled, plain = sampling(time, [one * unit for one in weight], event), sampling(time, weight, event)
    for figure, value in asdict(plain).items():
        if figure != "reverse_kaplan_meier":
            assert getattr(scaled, figure) == pytest.approx(value, rel=1e-12)
    assert scaled.reverse_kaplan_meier.estimate == plain.reverse_kaplan_meier.estimate


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.sampled_from([0.1, 1.0, 3.7]))
@settings(deadline=None)
def test_equal_sampling_weights_are_none(time: list[int], weight: float) -> None:
    """The quartiles are NumPy's own, which are those of type 7."""
    found = sampling([float(one) for one in time], [weight] * len(time))
    expected = [np.mean(time), *np.quantile(time, [0.25, 0.5, 0.75])]
    np.testing.assert_allclose([found.mean, found.lower_quartile, found.median, found.upper_quartile], expected)


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0.01, 50)), min_size=1, max_size=20))
@settings(deadline=None)
def test_quartiles_with_sampling_weights_are_in_order_and_among_the_times(rows: list[tuple[int, float]]) -> None:
    found = sampling([row[0] for row in rows], [row[1] for row in rows])
    quartiles = [found.minimum, found.lower_quartile, found.median, found.upper_quartile, found.maximum]
    assert quartiles == sorted(quartiles)


def test_since_a_start_follow_up_is_still_counted_from_the_origin() -> None:
    found = follow_up(observe([1, 4, 6], [True, False, True]).since(3), R, 0.95, "log")
    assert (found.minimum, found.median, found.maximum, found.mean) == (4, 5, 6, 5)
    assert found.reverse_kaplan_meier.estimate == 5


@pytest.mark.parametrize("name", ["aml", "lung", "veteran", "ovarian", "melanoma", "kidney"])
def test_reverse_kaplan_meier_equals_r(name: str) -> None:
    for block in blocks(name, "reverse_km"):
        for part, expected in group_samples(name, block):
            assert_equal_to_r(
                follow_up(part, R, 0.95, "log").reverse_kaplan_meier.estimate, expected["median_follow_up"]
            )
            for kind in expected["ci"]:
                curve = kaplan_meier(part.flipped(), confidence_type=kind)
                found = [quantile(curve, p, R, 0.95) for p in expected["probs"]]
                limits = expected.get("ci_first_crossing", {}).get(kind, expected["ci"][kind])
                assert_equal_to_r([one.estimate for one in found], expected["value"])
                assert_equal_to_r([one.lower for one in found], limits["lower"])
                assert_equal_to_r([one.upper for one in found], limits["upper"])
