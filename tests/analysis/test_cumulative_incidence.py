"""Aalen-Johansen: by hand, at its edges and against R; its properties are in test_cumulative_incidence_properties."""

from collections.abc import Sequence

import numpy as np
import pytest

from app.analysis.arrays import FloatArray
from app.analysis.cumulative_incidence import aalen_johansen
from app.analysis.errors import InvalidParameterError
from app.analysis.intervals import ConfidenceType, normal_quantile
from app.analysis.kaplan_meier import kaplan_meier
from app.analysis.observations import observe
from tests.references import assert_equal_to_r, blocks, sample
from tests.strategies import Rows

NONE = float("nan")
R_TYPES: tuple[ConfidenceType, ...] = ("plain", "log", "log-log")


def assert_fractions(actual: FloatArray, expected: Sequence[float] | Sequence[Sequence[float]]) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-14, atol=1e-16)


def test_ties_between_causes_and_with_censorings_by_hand() -> None:
    """Both causes at 1 (n = 8) and 2 (n = 6), the first at 4 (n = 3), the second at 5 beside a censoring (n = 2)."""
    estimate = aalen_johansen(observe([5, 4, 3, 2, 2, 1, 1, 5], [0, 1, 0, 2, 1, 2, 1, 2]), causes=2)
    np.testing.assert_array_equal(estimate.curve.time, [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(estimate.events, [[1, 1, 0, 1, 0], [1, 1, 0, 0, 1]])
    assert_fractions(estimate.incidence[0], [1 / 8, 1 / 4, 1 / 4, 5 / 12, 5 / 12])
    assert_fractions(estimate.incidence[1], [1 / 8, 1 / 4, 1 / 4, 1 / 4, 5 / 12])
    # Var F_1 up to 3 is that of a proportion of 8; at 4 come 1/54 + 1/288 - 1/96.
    variance = [7 / 512, 3 / 128, 3 / 128, 121 / 3456, 121 / 3456]
    assert_fractions(estimate.standard_error[0] ** 2, variance)


@pytest.mark.parametrize(
    ("sample", "incidence", "variance"),
    [
        pytest.param(Rows([1, 2], [0, 0]), [[0, 0]] * 3, [[0, 0]] * 3, id="no events"),
        pytest.param(Rows([0, 0], [2, 0]), [[0], [1 / 2], [0]], [[0], [1 / 8], [0]], id="event at time 0"),
        pytest.param(
            Rows([2, 1, 3], [1, 1, 1]),
            [[1 / 3, 2 / 3, 1], [0, 0, 0], [0, 0, 0]],
            [[2 / 27, 2 / 27, 0], [0, 0, 0], [0, 0, 0]],
            id="one cause to the end",
        ),
        pytest.param(Rows([1], [3]), [[0], [0], [1]], [[0]] * 3, id="one subject"),
        pytest.param(
            Rows([1, 3], [1, 2], [0, 2]),
            [[1, 1], [0, 0], [0, 0]],
            [[0, 0]] * 3,
            id="nobody left before the next enters",
        ),
        pytest.param(
            Rows([1, 2], [2, 0], weight=[2, 3]),
            [[0, 0], [2 / 5] * 2, [0, 0]],
            [[0, 0], [6 / 125] * 2, [0, 0]],
            id="weights",
        ),
    ],
)
def test_edges_by_hand(sample: Rows, incidence: list[list[float]], variance: list[list[float]]) -> None:
    estimate = aalen_johansen(sample.observe(), causes=3)
    assert_fractions(estimate.incidence, incidence)
    assert_fractions(estimate.standard_error**2, variance)


def test_an_incidence_of_1_is_certain_whatever_the_rounding() -> None:
    """Sums of 1/3, 1/7 and the like miss 1, and a log-log interval of nearly 1 would have limits."""
    for size in range(1, 30):
        estimate = aalen_johansen(observe(range(size), [1] * size), causes=1)
        assert estimate.incidence[0, -1] == 1
        assert estimate.standard_error[0, -1] == 0
        assert np.isnan(estimate.lower[0, -1])


def test_clusters_by_hand() -> None:
    """Two patients of two lesions: 2 and 1 of cause 1 by the end, so F = 3/4, (2 - 3/2)^2 + (1 - 3/2)^2 = 1/2."""
    observations = observe([1, 2, 3, 4], [1, 2, 1, 1], cluster=[0, 1, 1, 0])
    estimate = aalen_johansen(observations, causes=2)
    assert_fractions(estimate.incidence[0], [1 / 4, 1 / 4, 1 / 2, 3 / 4])
    assert_fractions(estimate.standard_error[0] ** 2, [1 / 32, 1 / 32, 0, 1 / 32])


def test_limits_are_of_the_level_and_type_asked_for() -> None:
    observations = observe([1, 2], [2, 0])
    estimate = aalen_johansen(observations, causes=2, confidence_level=0.5, confidence_type="plain")
    width = normal_quantile(0.5) / 8**0.5
    assert_fractions(estimate.lower[1], [1 / 2 - width] * 2)
    assert_fractions(estimate.upper[1], [1 / 2 + width] * 2)
    curve = kaplan_meier(observations, confidence_level=0.5, confidence_type="plain")
    np.testing.assert_array_equal(estimate.curve.lower, curve.lower)


def test_the_interval_is_log_log_unless_asked_otherwise() -> None:
    default = aalen_johansen(observe([1, 2], [1, 0]), causes=1)
    np.testing.assert_allclose(default.lower, 0.5 ** np.exp(normal_quantile(0.95) / (8**0.5 * 0.5 * np.log(2))))


def test_a_cause_that_was_not_named_is_refused() -> None:
    with pytest.raises(InvalidParameterError):
        aalen_johansen(observe([1, 2], [1, 3]), causes=2)


def test_rates_are_looked_up_as_step_functions() -> None:
    """0 before the first follow-up time, the new value from an event on, the last one after the end."""
    estimate = aalen_johansen(observe([1, 2, 2, 4], [1, 2, 1, 0]), causes=2)
    rates = estimate.rates([5, 1, 1.5, 2, 4])
    np.testing.assert_array_equal(rates.events, [[[2, 1, 1, 2, 2], [1, 0, 0, 1, 1]]])
    for name in ("incidence", "standard_error", "lower", "upper"):
        (found,) = getattr(rates, name)
        np.testing.assert_array_equal(found, getattr(estimate, name)[:, [2, 0, 0, 1, 2]], err_msg=name)


@pytest.mark.parametrize(("confidence_type", "limit"), [("plain", 0), ("log", NONE), ("log-log", NONE)])
def test_before_the_first_follow_up_time_the_rate_is_0(confidence_type: ConfidenceType, limit: float) -> None:
    """The limits are those of an incidence of 0: R has 0 for plain, else none."""
    rates = aalen_johansen(observe([1, 2], [1, 0]), causes=1, confidence_type=confidence_type).rates([0.5])
    assert (rates.incidence.item(), rates.standard_error.item()) == (0, 0)
    np.testing.assert_array_equal([rates.lower.item(), rates.upper.item()], [limit, limit])


@pytest.mark.parametrize("clustered", [False, True])
def test_samples_together_have_the_figures_of_each_alone(*, clustered: bool) -> None:
    clusters = [[0, 1, 1, 2, 0], [2, 0, 1], [0]] if clustered else [None] * 3
    columns = [([1, 2, 2, 4, 5], [1, 2, 1, 0, 2]), ([2, 3, 6], [0, 1, 2]), ([4], [1])]
    samples = [observe(*rows, cluster=cluster) for rows, cluster in zip(columns, clusters, strict=True)]
    joint = aalen_johansen(*samples, causes=2)
    rates, medians = joint.rates([0, 2, 7]), joint.quantiles(0.5)
    for place, one in enumerate(samples):
        alone, part = aalen_johansen(one, causes=2), joint.part(place)
        np.testing.assert_array_equal(part.curve.time, alone.curve.time)
        for name in ("events", "incidence", "standard_error", "lower", "upper"):
            np.testing.assert_array_equal(getattr(part, name), getattr(alone, name), err_msg=name)
            np.testing.assert_array_equal(getattr(rates, name)[place], getattr(alone.rates([0, 2, 7]), name)[0])
        assert str(medians[place]) == str(alone.quantiles(0.5)[0])


def test_a_quantile_is_the_first_time_at_which_the_incidence_reaches_it() -> None:
    ((first, second),) = aalen_johansen(observe(range(1, 11), [1] * 8 + [2] * 2), causes=2).quantiles(0.5)
    assert (first.probability, first.estimate) == (0.5, 5)
    assert np.isnan([first.standard_error, second.estimate]).all()


@pytest.mark.parametrize("half", [1, 3, 7, 11, 50])
def test_an_incidence_of_one_half_is_reached_though_its_sum_may_miss_it(half: int) -> None:
    median = aalen_johansen(observe(range(1, 2 * half + 1), [1] * 2 * half), causes=1).quantiles(0.5)[0][0]
    assert median.estimate == half


def test_limits_of_a_quantile_invert_the_band() -> None:
    """The upper limit of the incidence reaches 0.5 at 3, the incidence at 5, the lower limit at 8 (plain, n = 10)."""
    median = aalen_johansen(observe(range(1, 11), [1] * 10), causes=1, confidence_type="plain").quantiles(0.5)[0][0]
    assert (median.lower, median.estimate, median.upper) == (3, 5, 8)
    assert median.reason == "no standard error: the limits are read from those of incidence"


@pytest.mark.parametrize(
    ("time", "cause", "limits", "reason"),
    [
        pytest.param([1, 2, 3, 4], [1, 1, 0, 0], (1, 2, NONE), "no upper limit", id="lower band stays below"),
        pytest.param([1], [1], (NONE, 1, NONE), "no lower limit", id="no band at 1"),
        pytest.param([1, 2, 3, 4], [1, 0, 0, 0], (1, NONE, NONE), "not reached", id="upper band alone"),
        pytest.param([1, 2], [2, 0], (NONE, NONE, NONE), "not reached", id="no event of the cause"),
    ],
)
def test_what_a_quantile_lacks_has_its_reason(
    time: list[float], cause: list[int], limits: tuple[float, float, float], reason: str
) -> None:
    median = aalen_johansen(observe(time, cause), causes=2).quantiles(0.5)[0][0]
    np.testing.assert_array_equal([median.lower, median.estimate, median.upper], limits)
    assert median.reason is not None
    assert reason in median.reason


@pytest.mark.parametrize("confidence_type", R_TYPES)
@pytest.mark.parametrize("block_id", [block["id"] for block in blocks("melanoma", "aalen_johansen")])
def test_figures_equal_survfit(block_id: str, confidence_type: ConfidenceType) -> None:
    block = next(block for block in blocks("melanoma", "aalen_johansen") if block["id"] == block_id)
    observations, labels = sample("melanoma", block)
    for part, stratum in zip(observations.split(max(len(labels), 1)), block["strata"], strict=True):
        estimate = aalen_johansen(part, causes=2, confidence_type=confidence_type)
        figures, landmarks = stratum["curve"], stratum["landmarks"]
        rates = estimate.rates(landmarks["times"])
        assert_equal_to_r(estimate.curve.time, figures["time"])
        assert_equal_to_r(estimate.curve.table.at_risk, figures["n_risk"])
        assert_equal_to_r(estimate.events, [figures["n_event_1"], figures["n_event_2"]])
        assert_equal_to_r(estimate.curve.survival, stratum["states"]["event_free"]["prob"])
        for actual, expected in ((estimate, stratum["states"]), (rates, landmarks["states"])):
            states = [expected["1"], expected["2"]]
            shape = 2, -1
            assert_equal_to_r(actual.incidence.reshape(shape), [state["prob"] for state in states])
            assert_equal_to_r(actual.standard_error.reshape(shape), [state["std_err"] for state in states])
            assert_equal_to_r(actual.lower.reshape(shape), [state["ci"][confidence_type]["lower"] for state in states])
            assert_equal_to_r(actual.upper.reshape(shape), [state["ci"][confidence_type]["upper"] for state in states])
