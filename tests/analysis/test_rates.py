"""Poisson rates and their ratios: by hand, by their definitions, and against R."""

from math import exp, inf, isnan, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import bdtr, bdtrc, pdtr, pdtrc

from app.analysis.errors import InvalidParameterError
from app.analysis.rates import NO_TIME, poisson_rate, rate_ratio
from tests.references import assert_equal_to_r, blocks

counts, times = st.integers(0, 40), st.floats(0.1, 1000)
levels = st.sampled_from([0.5, 0.9, 0.95, 0.999])


def test_no_events_by_hand() -> None:
    """The upper limit is the mean at which no event has the probability 0.025: -log(0.025) / 10."""
    rate = poisson_rate(0, 10)
    assert (rate.estimate, rate.lower, rate.reason) == (0, 0, None)
    assert rate.upper == pytest.approx(-log(0.025) / 10, rel=1e-14)


def test_one_event_by_hand() -> None:
    """The lower limit is the mean at which an event has the probability 0.025; both are per 100 of the 4 units."""
    rate = poisson_rate(1, 4, per=100)
    assert (rate.estimate, rate.per) == (25, 100)
    assert rate.lower == pytest.approx(-log(0.975) * 25, rel=1e-14)


@given(counts, times, levels)
@settings(deadline=None)
def test_limits_of_a_rate_are_where_the_tails_have_half_the_error(events: int, time: float, level: float) -> None:
    rate, tail = poisson_rate(events, time, confidence_level=level), (1 - level) / 2
    assert pdtr(events, rate.upper * time) == pytest.approx(tail, rel=1e-9)
    if events:
        assert pdtrc(events - 1, rate.lower * time) == pytest.approx(tail, rel=1e-9)


@pytest.mark.parametrize("time", [0.0, 5e-324])
def test_without_person_time_there_is_no_rate(time: float) -> None:
    rate = poisson_rate(2, time)
    assert all(isnan(figure) for figure in (rate.estimate, rate.lower, rate.upper))
    assert rate.reason == NO_TIME


def test_a_ratio_by_hand() -> None:
    """2 events in 1 unit, 0 in 3: each is of the first with probability 1/4, and (1/4)^2 is the rarest split of all."""
    ratio = rate_ratio((2, 0), (1, 3))
    assert ratio.rate_ratio == ratio.upper == inf
    assert ratio.p_value == pytest.approx(1 / 16)
    lowest = 0.025**0.5  # the probability at which both are of the first in 0.025 of all cases
    assert ratio.lower == pytest.approx(lowest / (1 - lowest) * 3)
    assert ratio.reason == "the reference has no events, so that the ratio is infinite"
    other = rate_ratio((0, 2), (3, 1))
    assert (other.rate_ratio, other.lower, other.reason) == (0, 0, None)
    assert other.upper == pytest.approx(1 / ratio.lower)


def test_splits_that_are_as_probable_count_as_well() -> None:
    """Of 2 events in equal times 0 and 2 have 1/4 each; so the p value of 2 is 1/2, and that of 1 is 1."""
    assert rate_ratio((2, 0), (5, 5)).p_value == pytest.approx(1 / 2)
    assert rate_ratio((1, 1), (5, 5)).p_value == 1


@pytest.mark.parametrize(
    ("events", "time", "reason"),
    [
        ((0, 0), (1, 1), "there are no events"),
        ((1, 1), (0, 1), NO_TIME),
        ((1, 1), (1, 0), NO_TIME),
        ((1, 1), (0, 0), NO_TIME),
    ],
)
def test_without_events_or_time_there_is_no_ratio(
    events: tuple[int, int], time: tuple[float, float], reason: str
) -> None:
    ratio = rate_ratio(events, time)
    assert all(isnan(figure) for figure in (ratio.rate_ratio, ratio.lower, ratio.upper, ratio.p_value))
    assert ratio.reason == reason


@given(st.tuples(counts, counts), st.tuples(times, times), levels)
@settings(deadline=None)
def test_limits_of_a_ratio_are_where_the_tails_have_half_the_error(
    events: tuple[int, int], time: tuple[float, float], level: float
) -> None:
    total, tail = sum(events), (1 - level) / 2
    ratio = rate_ratio(events, time, confidence_level=level)

    def share(rate_ratio: float) -> float:
        return rate_ratio * time[0] / (rate_ratio * time[0] + time[1])

    if events[0]:
        assert bdtrc(events[0] - 1, total, share(ratio.lower)) == pytest.approx(tail, rel=1e-9)
    if events[1]:
        assert bdtr(events[0], total, share(ratio.upper)) == pytest.approx(tail, rel=1e-7)


@given(st.tuples(counts, st.integers(1, 40)), st.tuples(times, times))
@settings(deadline=None)
def test_the_groups_exchanged_give_the_inverse(events: tuple[int, int], time: tuple[float, float]) -> None:
    ratio, inverse = rate_ratio(events, time), rate_ratio(events[::-1], time[::-1])
    assert ratio.p_value == pytest.approx(inverse.p_value, rel=1e-9)
    for figure, other in ((ratio.lower, inverse.upper), (ratio.upper, inverse.lower)):
        assert figure == pytest.approx(1 / other, rel=1e-9)


def test_crowds_of_events_are_counted() -> None:
    ratio = rate_ratio((500_300, 499_700), (1, 1))
    assert ratio.p_value == pytest.approx(0.549, abs=1e-3)
    assert ratio.lower < exp(log(500_300 / 499_700)) < ratio.upper


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_level_out_of_range_is_refused(level: float) -> None:
    with pytest.raises(InvalidParameterError):
        poisson_rate(1, 1, confidence_level=level)
    with pytest.raises(InvalidParameterError):
        rate_ratio((1, 1), (1, 1), confidence_level=level)


@pytest.mark.parametrize("block", blocks("rates", "single"), ids=lambda block: block["r_call"])
def test_rates_equal_poisson_test(block: dict[str, Any]) -> None:
    rate = poisson_rate(block["events"], block["person_time"], confidence_level=block["conf_level"])
    assert_equal_to_r([rate.estimate, rate.lower, rate.upper], [block[key] for key in ("rate", "lower", "upper")])


@pytest.mark.parametrize("block", blocks("rates", "ratios"), ids=lambda block: block["r_call"])
def test_rate_ratios_equal_poisson_test(block: dict[str, Any]) -> None:
    events, time = tuple(block["events"]), tuple(block["person_time"])
    ratio = rate_ratio(events, time, confidence_level=block["conf_level"])
    expected = [float(block[key]) for key in ("rate_ratio", "lower", "upper", "p_value")]
    np.testing.assert_allclose([ratio.rate_ratio, ratio.lower, ratio.upper, ratio.p_value], expected, rtol=1e-9)
