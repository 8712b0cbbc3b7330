"""Quantiles of a survival curve: by hand, and against R and SPSS."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.conventions import CONVENTIONS, ConventionName
from app.analysis.kaplan_meier import KaplanMeier, kaplan_meier
from app.analysis.observations import observe
from app.analysis.quantiles import Quantile, quantile
from tests.references import assert_equal_to_r, blocks, group_samples, reference
from tests.strategies import Rows, rows

R, SAS, SPSS, STATA = (CONVENTIONS[name] for name in ("r", "sas", "spss", "stata"))


def curve_of(time: list[float], event: list[int]) -> KaplanMeier:
    return kaplan_meier(observe(time, event))


FLAT_TO_THE_END = curve_of([54, 75, 77, 84, 87, 92, 103, 105, 112, 118], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0])


@pytest.mark.parametrize(("name", "estimate"), [("r", 102.5), ("sas", np.nan), ("spss", 87), ("stata", 87)])
def test_a_flat_at_one_half_that_runs_to_the_end_of_follow_up(name: ConventionName, estimate: float) -> None:
    median = quantile(FLAT_TO_THE_END, 0.5, CONVENTIONS[name], 0.95)
    np.testing.assert_equal(median.estimate, estimate)
    assert (median.reason or "").startswith("not reached: survival stays at 0.5") == (name == "sas")


@pytest.mark.parametrize(("name", "estimate"), [("r", 3.5), ("sas", 3.5), ("spss", 2), ("stata", 2)])
def test_a_flat_at_one_half_between_two_deaths(name: ConventionName, estimate: float) -> None:
    """S = 3/4, 1/2, 1/4, 0 at 1, 2, 5, 6: the middle of [2, 5], or its first time."""
    assert quantile(curve_of([1, 2, 5, 6], [1, 1, 1, 1]), 0.5, CONVENTIONS[name], 0.95).estimate == estimate


@pytest.mark.parametrize("name", list(CONVENTIONS))
def test_between_two_levels_all_conventions_agree(name: ConventionName) -> None:
    """S = 2/3, 1/3, 0 at 1, 2, 3 is at or below 1/2 from 2 on."""
    assert quantile(curve_of([1, 2, 3], [1, 1, 1]), 0.5, CONVENTIONS[name], 0.95).estimate == 2


def test_a_median_is_found_where_the_float_product_misses_one_half() -> None:
    """5 of 6, 4 of 5 and 3 of 4 survive: 5/6 4/5 3/4 = 1/2, but not in floating point for every such product."""
    for deaths in range(1, 60):
        time = [float(day) for day in range(1, 2 * deaths + 1)]
        median = quantile(curve_of(time, [1] * len(time)), 0.5, R, 0.95)
        assert median.estimate == deaths + 0.5


def test_the_median_of_float_tied_times_is_that_of_tied_times() -> None:
    """0.1 + 0.2 and 0.3 are one time, so S falls from 1 to 1/3 there."""
    assert quantile(curve_of([0.3, 0.1 + 0.2, 1], [1, 1, 1]), 0.5, R, 0.95).estimate == 0.3


def test_the_standard_error_follows_the_density_rule_by_hand() -> None:
    """Ten deaths at 1 .. 10: m = 5 with S = 1/2, u = 4 with S = 6/10, l = 6 with S = 4/10, f = (6/10 - 4/10) / 2."""
    found = quantile(curve_of(list(range(1, 11)), [1] * 10), 0.5, SPSS, 0.95)
    log_variance = sum(Fraction(1, n * (n - 1)) for n in range(6, 11))
    assert found.estimate == 5
    assert found.standard_error == pytest.approx(0.5 * float(log_variance) ** 0.5 / 0.1, rel=1e-12)
    assert found.lower == pytest.approx(5 - 1.96 * found.standard_error)


def test_without_an_event_before_the_window_the_density_starts_at_the_origin() -> None:
    """The first death takes S from 1 to 1/4: u = 0 with S = 1, l = 2, f = (1 - 1/4) / 2; S(m) sqrt(G) = sqrt(3)/8."""
    found = quantile(curve_of([2, 2, 2, 3], [1, 1, 1, 0]), 0.5, STATA, 0.95)
    assert found.standard_error == pytest.approx(3**0.5 / 8 / (0.75 / 2))


def test_no_standard_error_where_survival_does_not_fall_through_the_window() -> None:
    found = quantile(FLAT_TO_THE_END, 0.5, SPSS, 0.95)
    assert np.isnan([found.standard_error, found.lower, found.upper]).all()
    assert found.reason == "no standard error: survival does not fall to 0.45"


def test_no_standard_error_where_survival_is_zero_at_the_estimate() -> None:
    found = quantile(curve_of([4, 4], [1, 1]), 0.5, SPSS, 0.95)
    assert found.estimate == 4
    assert found.reason == "no standard error: survival is 0 at the estimate"


def test_no_standard_error_where_survival_falls_at_the_origin() -> None:
    found = quantile(curve_of([0, 0, 0, 5], [1, 1, 1, 0]), 0.5, SPSS, 0.95)
    assert found.estimate == 0
    assert found.reason == "no standard error: survival falls at time 0"


def test_the_density_starts_where_the_sample_does() -> None:
    """Since 10 the first death, at 12, takes S from 1 to 1/4: u = 10, l = 12; as without the start from 0 to 2."""
    later = observe([3, 12, 12, 12, 13], [1, 1, 1, 1, 0]).since(10)
    found, origin = (
        quantile(kaplan_meier(one), 0.5, STATA, 0.95) for one in (later, observe([2, 2, 2, 3], [1, 1, 1, 0]))
    )
    assert found.estimate == 12
    assert found.standard_error == origin.standard_error == pytest.approx(3**0.5 / 8 / (0.75 / 2))


def test_no_standard_error_where_survival_falls_at_the_start() -> None:
    found = quantile(kaplan_meier(observe([2, 10, 10, 10, 15], [1, 1, 1, 1, 0]).since(10)), 0.5, SPSS, 0.95)
    assert found.estimate == 10
    assert found.reason == "no standard error: survival falls at time 10"


def test_a_quantile_that_is_not_reached_has_no_figures_but_its_lower_limit() -> None:
    found = quantile(curve_of([1, 2, 3, 4, 5], [1, 0, 0, 0, 0]), 0.25, R, 0.95)
    assert np.isnan([found.estimate, found.standard_error, found.upper]).all()
    assert found.lower == 1
    assert found.reason == "not reached: survival stays above 0.75"
    assert np.isnan(quantile(curve_of([1, 2], [0, 0]), 0.5, SPSS, 0.95).lower)


@given(
    st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=30),
    st.sampled_from(list(CONVENTIONS)),
    st.sampled_from([0.1, 0.25, 0.5, 0.75]),
)
@settings(deadline=None)
def test_a_quantile_is_where_survival_passes_the_level(
    rows: list[tuple[int, bool]], name: ConventionName, probability: float
) -> None:
    """S is at or below 1 - p at the estimate, and above it just before the first time that qualifies."""
    curve = kaplan_meier(observe([row[0] for row in rows], [row[1] for row in rows]))
    found = quantile(curve, probability, CONVENTIONS[name], 0.95)
    at_or_below = curve.time[curve.survival <= 1 - probability + 1e-9]
    if np.isnan(found.estimate):
        assert found.reason is not None
        assert at_or_below.size == 0 or name == "sas"
        return
    assert found.estimate >= at_or_below[0]
    assert curve.survival_at(np.array([found.estimate]))[0] <= 1 - probability + 1e-9
    assert not found.lower > found.estimate
    assert not found.upper < found.estimate


@pytest.mark.parametrize(
    ("name", "block"),
    [
        pytest.param(name, block, id=f"{name}-{block['id']}")
        for name in ("aml", "lung", "veteran", "ovarian", "kidney", "melanoma", "myeloma")
        for block in blocks(name, "km")
    ],
)
def test_quantiles_and_limits_equal_r(name: str, block: dict[str, Any]) -> None:
    """With entry, weights, clusters and from a start time on.

    Where a limit of S is not monotone, the first time it falls to the level, as the reference offers.
    """
    for part, stratum in group_samples(name, block):
        observations = part.since(block["inputs"]["start_time"]) if "start_time" in block["inputs"] else part
        figures = stratum["quantiles"]
        for kind in figures["ci"]:
            curve = kaplan_meier(observations, confidence_level=block["conf_level"], confidence_type=kind)
            found = [quantile(curve, p, R, block["conf_level"]) for p in figures["probs"]]
            limits = figures.get("ci_first_crossing", {}).get(kind, figures["ci"][kind])
            assert_equal_to_r([one.estimate for one in found], figures["value"])
            assert_equal_to_r([one.lower for one in found], limits["lower"])
            assert_equal_to_r([one.upper for one in found], limits["upper"])


@given(rows(entry=None), st.integers(1, 6), st.sampled_from(list(CONVENTIONS)), st.sampled_from([0.25, 0.5, 0.75]))
@settings(deadline=None)
def test_since_a_start_quantiles_are_those_of_times_from_there_on(
    sample: Rows, start: int, name: ConventionName, probability: float
) -> None:
    followed = sample.observe().since(start)
    if followed.size == 0:
        return
    entry = None if followed.entry is None else followed.entry - start
    moved = replace(followed, time=followed.time - start, entry=entry, start=0.0)
    found, origin = (quantile(kaplan_meier(one), probability, CONVENTIONS[name], 0.95) for one in (followed, moved))
    for figure, shift in (("estimate", start), ("lower", start), ("upper", start), ("standard_error", 0)):
        np.testing.assert_allclose(getattr(found, figure), getattr(origin, figure) + shift, rtol=1e-12, atol=1e-12)


def spss_median(group: str | None) -> Quantile:
    columns = reference("spss31")["columns"]
    rows = [row for row, label in enumerate(columns["group"]) if group in (None, label)]
    time, event = (np.array(columns[name])[rows] for name in ("time", "event"))
    return quantile(kaplan_meier(observe(time, event), confidence_type="plain"), 0.5, SPSS, 0.95)


@pytest.mark.parametrize("group", ["1", "2", None])
def test_medians_equal_spss(group: str | None) -> None:
    expected = reference("spss31")["expected"]["median"][group or "overall"]
    found = spss_median(group)
    assert found.estimate == expected["estimate"]
    np.testing.assert_allclose(found.standard_error, expected["standard_error"], rtol=1e-9)
    if "lower" in expected:  # printed with five decimals
        np.testing.assert_allclose([found.lower, found.upper], [expected["lower"], expected["upper"]], atol=5e-6)


@pytest.mark.parametrize(
    ("group", "estimate", "standard_error"),
    [(None, 310, 21.772508), ("male", 270, 27.638737), ("female", 426, 46.557399)],
)
def test_standard_errors_of_medians_of_lung(group: str | None, estimate: float, standard_error: float) -> None:
    """Figures computed by the density rule with SPSS's digits on R's lung data."""
    columns = reference("lung")["columns"]
    rows = [row for row, label in enumerate(columns["group"]) if group in (None, label)]
    curve = kaplan_meier(observe(np.array(columns["time"])[rows], np.array(columns["event"])[rows]))
    found = quantile(curve, 0.5, SPSS, 0.95)
    assert found.estimate == estimate
    assert found.standard_error == pytest.approx(standard_error, abs=5e-7)


def test_brookmeyer_crowley_limits_of_sas() -> None:
    """SAS gives 284 to 361 for the median of lung, R's log-log limits."""
    columns = reference("lung")["columns"]
    curve = kaplan_meier(observe(columns["time"], columns["event"]), confidence_type="log-log")
    found = quantile(curve, 0.5, SAS, 0.95)
    assert (found.lower, found.upper) == (284, 361)


def test_so_near_to_0_survival_has_no_density() -> None:
    """The quantile of 97 % wants survival to fall to 0.03 - 0.05."""
    curve = kaplan_meier(observe([1, 2], [True, True]))
    found = quantile(curve, 0.97, CONVENTIONS["r"], 0.95)
    assert found.estimate == 2
    assert found.reason is not None
    assert found.reason.startswith("no standard error: survival has no density so near to 0 as 0.03")
