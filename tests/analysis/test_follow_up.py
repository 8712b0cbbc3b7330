"""Follow-up: by hand, and against R."""

from dataclasses import asdict

import numpy as np
import pytest

from app.analysis.conventions import CONVENTIONS
from app.analysis.follow_up import follow_up
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
