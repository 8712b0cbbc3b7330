"""The five interval types: by hand, by numerical inversion, and against R."""

from collections.abc import Callable
from math import asin, erf, exp, log, pi, sin, sqrt
from typing import cast, get_args

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.analysis.errors import InvalidParameterError
from app.analysis.intervals import ConfidenceType, normal_quantile, probability_interval, wald_ratio
from tests.references import assert_equal_to_r, blocks, numbers

TYPES = get_args(ConfidenceType)
#: The level at which the normal quantile is 1.
ONE_SIGMA = erf(1 / sqrt(2))
inside = st.floats(0.01, 0.99)
errors = st.floats(0, 0.5)
types = st.sampled_from(TYPES)


def interval(p: float, se: float, confidence_type: str, level: float = ONE_SIGMA) -> tuple[float, float]:
    lower, upper = probability_interval(np.array([p]), np.array([se]), level, cast("ConfidenceType", confidence_type))
    return float(lower[0]), float(upper[0])


@pytest.mark.parametrize("z", [0.01, 0.5, 1.0, 1.96, 2.5, 5.0])
def test_normal_quantile_inverts_the_error_function(z: float) -> None:
    assert normal_quantile(erf(z / sqrt(2))) == pytest.approx(z, rel=1e-9)


def test_normal_quantile_of_95_percent() -> None:
    assert normal_quantile(0.95) == pytest.approx(1.959963984540054, rel=1e-15)


def test_a_coefficient_without_error_has_no_z_or_an_infinite_one() -> None:
    """As the robust error is where all rows say the same."""
    z, p_value, ratio, lower, upper = wald_ratio(np.log([1.0, 2.0]), np.zeros(2), 0.95)
    np.testing.assert_array_equal(z, [np.nan, np.inf])
    np.testing.assert_array_equal(p_value, [np.nan, 0])
    for figure in (ratio, lower, upper):
        np.testing.assert_allclose(figure, [1, 2])


@pytest.mark.parametrize("level", [0, 1, -0.1, 1.5, 95, np.nan, np.inf])
def test_a_level_outside_0_and_1_is_refused(level: float) -> None:
    with pytest.raises(InvalidParameterError, match="between 0 and 1"):
        normal_quantile(level)
    with pytest.raises(InvalidParameterError, match="between 0 and 1"):
        interval(0.5, 0.1, "log", level)


@pytest.mark.parametrize("confidence_type", ["loglog", "", "LOG", "none"])
def test_an_unknown_type_is_refused_with_those_known(confidence_type: str) -> None:
    with pytest.raises(InvalidParameterError, match="plain, log, log-log, logit, arcsin"):
        interval(0.5, 0.1, confidence_type)


@pytest.mark.parametrize(
    ("confidence_type", "lower", "upper"),
    [
        ("plain", 1 / 2 - 1 / 10, 1 / 2 + 1 / 10),
        ("log", exp(-1 / 5) / 2, exp(1 / 5) / 2),
        ("log-log", 2 ** -exp(1 / (5 * log(2))), 2 ** -exp(-1 / (5 * log(2)))),
        ("logit", 1 / (1 + exp(2 / 5)), 1 / (1 + exp(-2 / 5))),
        ("arcsin", (1 - sin(1 / 5)) / 2, (1 + sin(1 / 5)) / 2),
    ],
)
def test_one_half_with_standard_error_one_tenth_by_hand(confidence_type: str, lower: float, upper: float) -> None:
    assert interval(1 / 2, 1 / 10, confidence_type) == pytest.approx((lower, upper), rel=1e-13)


@pytest.mark.parametrize(
    ("confidence_type", "at_0", "at_1"),
    [
        ("plain", 0, 1),
        ("log", np.nan, 1),
        ("log-log", np.nan, np.nan),
        ("logit", np.nan, np.nan),
        ("arcsin", np.nan, np.nan),
    ],
)
def test_without_error_at_0_and_1_the_limits_are_those_of_r(confidence_type: str, at_0: float, at_1: float) -> None:
    np.testing.assert_array_equal(interval(0, 0, confidence_type), (at_0, at_0))
    np.testing.assert_array_equal(interval(1, 0, confidence_type), (at_1, at_1))


@pytest.mark.parametrize("confidence_type", TYPES)
def test_without_a_standard_error_there_are_no_limits(confidence_type: str) -> None:
    assert np.isnan(interval(0.5, np.nan, confidence_type)).all()


def test_plain_limits_are_cut_at_0_and_1() -> None:
    assert interval(0.1, 0.2, "plain") == pytest.approx((0, 0.3))
    assert interval(0.9, 0.2, "plain") == pytest.approx((0.7, 1))


def test_log_limits_are_cut_at_1() -> None:
    assert interval(0.9, 0.2, "log") == pytest.approx((0.9 * exp(-2 / 9), 1))


def test_arcsin_limits_stop_at_0_and_1_and_do_not_turn_back() -> None:
    assert interval(0.01, 0.2, "arcsin")[0] == 0
    assert interval(0.99, 0.2, "arcsin")[1] == 1


@pytest.mark.parametrize("confidence_type", TYPES)
def test_a_standard_error_out_of_all_proportion_gives_limits_from_0_to_1(confidence_type: str) -> None:
    assert interval(0.5, 1000, confidence_type) == pytest.approx((0, 1), abs=1e-12)


SCALES: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "plain": (lambda p: p, lambda x: x),
    "log": (log, exp),
    "log-log": (lambda p: log(-log(p)), lambda x: exp(-exp(x))),
    "logit": (lambda p: log(p / (1 - p)), lambda x: 1 / (1 + exp(-x))),
    "arcsin": (lambda p: asin(sqrt(p)), lambda x: sin(min(max(x, 0), pi / 2)) ** 2),
}


@given(inside, st.floats(0, 0.1), types, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
@settings(deadline=None)
def test_limits_are_a_width_away_on_the_scale_of_the_type(p: float, se: float, kind: str, level: float) -> None:
    forward, back = SCALES[kind]
    slope = (forward(p + 1e-6) - forward(p - 1e-6)) / 2e-6
    width = normal_quantile(level) * se * slope
    ends = sorted((back(forward(p) - width), back(forward(p) + width)))
    assert interval(p, se, kind, level) == pytest.approx((max(ends[0], 0), min(ends[1], 1)), rel=1e-6, abs=1e-9)


@given(inside, errors, types, st.floats(0.01, 0.999))
@settings(deadline=None)
def test_limits_lie_in_0_to_1_around_the_estimate(p: float, se: float, kind: str, level: float) -> None:
    lower, upper = interval(p, se, kind, level)
    assert 0 <= lower <= p + 1e-12
    assert p - 1e-12 <= upper <= 1


@given(inside, errors, types, st.floats(0.01, 0.9))
@settings(deadline=None)
def test_a_higher_level_gives_a_wider_interval(p: float, se: float, kind: str, level: float) -> None:
    narrow, wide = interval(p, se, kind, level), interval(p, se, kind, level + 0.09)
    assert wide[0] <= narrow[0]
    assert narrow[1] <= wide[1]


@given(inside, types)
@settings(deadline=None)
def test_without_error_both_limits_are_the_estimate(p: float, kind: str) -> None:
    assert interval(p, 0, kind) == pytest.approx((p, p), rel=1e-12)


@given(inside, errors, st.sampled_from(["plain", "logit", "arcsin"]))
@settings(deadline=None)
def test_plain_logit_and_arcsin_limits_of_the_complement_are_mirrored(p: float, se: float, kind: str) -> None:
    lower, upper = interval(p, se, kind)
    assert interval(1 - p, se, kind) == pytest.approx((1 - upper, 1 - lower), rel=1e-9, abs=1e-12)


@given(inside, errors)
@settings(deadline=None)
def test_plain_limits_are_symmetric_and_log_limits_in_ratio(p: float, se: float) -> None:
    assume(p - se > 0.01)
    assume(p * exp(se / p) < 1)
    assume(p + se < 1)
    plain, ratio = interval(p, se, "plain"), interval(p, se, "log")
    assert p - plain[0] == pytest.approx(plain[1] - p)
    assert p / ratio[0] == pytest.approx(ratio[1] / p)


@pytest.mark.parametrize("name", ["aml", "lung", "veteran", "ovarian", "kidney", "melanoma", "myeloma"])
def test_landmark_limits_equal_those_of_r(name: str) -> None:
    for block in blocks(name, "km"):
        for figures in (stratum["landmarks"] for stratum in block["strata"]):
            estimate, standard_error = numbers(figures["surv"]), numbers(figures["std_err"])
            followed = estimate < 1  # before the first follow-up R gives limits of 1 for every type
            for confidence_type, expected in figures["ci"].items():
                limits = probability_interval(estimate, standard_error, block["conf_level"], confidence_type)
                for actual, end in zip(limits, ("lower", "upper"), strict=True):
                    assert_equal_to_r(actual[followed], numbers(expected[end])[followed])
