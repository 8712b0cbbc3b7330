"""Gray's test: by hand, literally, by its properties and against R."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.analysis import partial_likelihood
from app.analysis.arrays import FloatArray
from app.analysis.gray import gray_test, gray_tests
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.observations import Observations, observe
from tests.analysis.comparison_samples import logrank_test
from tests.analysis.gray_literal import GROUPS, gray_literally
from tests.references import assert_equal_to_r, blocks, sample
from tests.strategies import Rows, rows, shuffled


def counts(test: HypothesisTest) -> tuple[FloatArray, FloatArray]:
    """Return the observed and the expected events of a test that has them."""
    assert test.observed is not None
    assert test.expected is not None
    return test.observed, test.expected


def assert_same_test(first: HypothesisTest, second: HypothesisTest) -> None:
    assert first.degrees_of_freedom == second.degrees_of_freedom
    assert first.reason == second.reason
    figures = [np.array([test.statistic, test.p_value]) for test in (first, second)]
    np.testing.assert_allclose(figures[0], figures[1], rtol=1e-8, atol=1e-12)
    for some, other in zip(counts(first), counts(second), strict=True):
        np.testing.assert_allclose(some, other, rtol=1e-9, atol=1e-12)


def test_two_groups_by_hand() -> None:
    """Events of the cause at 1 and 3 in one group, at 4 in the other, where the competing event at 2 happens.

    Nobody is censored, so h = 2 while a group lasts. F_10 grows by 1/4, 1/4, 1/2; c = +-1/3 until 3, then 0.
    Expected in the first group: 1/2 + 1/3. Variance: (5/6)^2/8 + 1/8 of its own and (13/12)^2/8 + 1/8 of the other
    group's events of the cause, (1/2)^2/4 of the competing event.
    """
    test = gray_test(observe([1, 3, 2, 4], [1, 1, 2, 1], group=[0, 0, 1, 1]), 2, 1)
    observed, expected = counts(test)
    np.testing.assert_array_equal(observed, [2, 1])
    np.testing.assert_allclose(expected, [5 / 6, 13 / 6], rtol=1e-14)
    variance = 25 / 288 + 1 / 8 + 169 / 1152 + 1 / 8 + 1 / 16
    assert test.statistic == pytest.approx((7 / 6) ** 2 / variance, rel=1e-12)
    assert (test.name, test.degrees_of_freedom, test.reason) == ("gray", 1, None)


def test_events_at_one_time_without_a_competing_one_by_hand() -> None:
    """2 of 4 have the event, both of one group: hypergeometric variance 2 (2/3) (1/2)^2, as in the log-rank test."""
    test = gray_test(observe([1, 1, 2, 2], [1, 1, 0, 0], group=[0, 0, 1, 1]), 2, 1)
    assert test.statistic == pytest.approx(3, rel=1e-12)


def test_events_of_all_other_causes_compete_together() -> None:
    time, group = [1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 0, 1, 0, 1, 0, 1]
    three = gray_test(observe(time, [1, 2, 3, 1, 2, 3, 1, 0], group=group), 2, 1)
    two = gray_test(observe(time, [1, 2, 2, 1, 2, 2, 1, 0], group=group), 2, 1)
    assert_same_test(three, two)


@pytest.mark.parametrize(
    ("time", "cause", "group", "groups"),
    [
        pytest.param([1, 2], [0, 0], [0, 1], 2, id="no events"),
        pytest.param([1, 2, 3], [2, 2, 0], [0, 1, 1], 2, id="competing events alone"),
        pytest.param([1, 2, 3], [1, 1, 0], [0, 0, 0], 1, id="one group"),
        pytest.param([1, 2, 3], [1, 1, 0], [1, 1, 1], 3, id="two empty groups"),
        pytest.param([1, 2, 3], [0, 1, 1], [0, 1, 1], 2, id="one group gone before the first event"),
    ],
)
def test_where_there_is_nothing_to_compare_there_is_no_test(
    time: list[float], cause: list[int], group: list[int], groups: int
) -> None:
    test = gray_test(observe(time, cause, group=group), groups, 1)
    assert np.isnan([test.statistic, test.p_value]).all()
    assert test.degrees_of_freedom == 0
    assert test.reason is not None


def test_a_group_without_an_event_is_compared() -> None:
    test = gray_test(observe([1, 2, 3, 4], [1, 1, 0, 0], group=[0, 0, 1, 1]), 2, 1)
    observed, expected = counts(test)
    np.testing.assert_array_equal(observed, [2, 0])
    assert (expected > 0).all()
    assert test.degrees_of_freedom == 1


def test_an_empty_group_drops_out_of_the_degrees_of_freedom() -> None:
    observations = observe([1, 2, 3, 4], [1, 2, 1, 1], group=[0, 2, 0, 2])
    test = gray_test(observations, 3, 1)
    assert test.degrees_of_freedom == 1
    pair = gray_test(replace(observations, group=observations.groups // 2), 2, 1)
    assert test.statistic == pytest.approx(pair.statistic, rel=1e-12)


def test_there_is_no_test_where_the_common_incidence_reaches_1_too_early() -> None:
    """80 of 100 have the event, 19 are censored; then 9 of 10 of the other group: 80/110 and 9/15 are above 1."""
    observations = observe(
        [1, 2, 9, 3, 4, 5, 9], [1, 0, 0, 1, 1, 1, 0], weight=[80, 19, 1, 3, 3, 3, 1], group=[0, 0, 0, 1, 1, 1, 1]
    )
    test = gray_test(observations, 2, 1)
    assert np.isnan([test.statistic, test.p_value]).all()
    assert test.reason == "the incidence that the groups would have in common reaches 1 while they are still compared"
    np.testing.assert_array_equal(counts(test)[0], [80, 9])


def test_a_common_incidence_above_1_does_no_harm_where_only_competing_events_follow() -> None:
    """As above, but 5 of 10 have the event at one time, and the others compete."""
    observations = observe([1, 2, 9, 3, 5], [1, 0, 0, 1, 2], weight=[80, 19, 1, 5, 5], group=[0, 0, 0, 1, 1])
    assert_equal_to_definition(observations, 1)
    assert gray_test(observations, 2, 1).degrees_of_freedom == 1


def test_what_enters_a_group_after_its_survival_has_fallen_to_0_is_left_out() -> None:
    """The only subject of the group at risk at 1 has the event; who enters later says nothing about F."""
    time, cause, entry = [1, 2, 3, 4, 5], [1, 1, 1, 2, 1], [0, 0, 0, 0, 0]
    test = gray_test(observe(time, cause, entry=entry, group=[0, 1, 1, 1, 1]), 2, 1)
    later = observe([*time, 6], [*cause, 1], entry=[*entry, 1], group=[0, 1, 1, 1, 1, 0])
    assert_same_test(gray_test(later, 2, 1), test)


def test_groups_that_follow_one_another_are_compared_while_both_are_there() -> None:
    """F_10 grows by 1/6 to 1/2 in the first group's time, and by 1/3 to 3/2 when the second is alone: no matter."""
    test = gray_test(observe([1, 2, 3, 4, 5, 6], [1] * 6, group=[0, 0, 0, 1, 1, 1]), 2, 1)
    np.testing.assert_allclose(counts(test)[1], [1 / 2 + 2 / 5 + 1 / 4, 1 / 2 + 3 / 5 + 3 / 4 + 3], rtol=1e-14)
    assert test.degrees_of_freedom == 1


def assert_equal_to_definition(observations: Observations, cause: int) -> None:
    test, by_definition = gray_test(observations, GROUPS, cause), gray_literally(observations, cause)
    if by_definition is None:
        assert np.isnan(test.statistic)
        return
    score, covariance = (np.array(part, dtype=np.float64) for part in by_definition)
    observed, expected = counts(test)
    np.testing.assert_allclose(observed - expected, score, rtol=1e-9, atol=1e-12)
    assert test.degrees_of_freedom == np.linalg.matrix_rank(covariance, tol=1e-8 * covariance.max(), hermitian=True)
    if test.reason is None:
        statistic = score @ np.linalg.pinv(covariance, rcond=1e-8, hermitian=True) @ score
        assert test.statistic == pytest.approx(statistic, rel=1e-7, abs=1e-12)


@given(rows(causes=3, groups=GROUPS, group=True, cluster=False, max_size=12), st.sampled_from([1, 2]))
@settings(deadline=None, max_examples=80)
def test_the_test_equals_its_definition(sample: Rows, cause: int) -> None:
    assert_equal_to_definition(sample.observe(), cause)


def test_more_events_than_a_group_stands_for_have_no_variance_in_it() -> None:
    """At 2 the last 0.1 of the first group stand for less than one subject at risk, while 2 events happen."""
    observations = observe([1, 3, 2, 2, 3], [2, 0, 1, 1, 0], group=[0, 0, 1, 1, 1], weight=[0.9, 0.1, 1, 1, 1])
    assert_equal_to_definition(observations, 1)


@pytest.mark.parametrize("later", [0.1, 0.2])
def test_rounding_of_survival_0_is_no_survival(later: float) -> None:
    """0.1 of 0.1 at risk have the event at 1, of which sums of weights leave -+1e-16 to those who enter later."""
    alone = gray_test(observe([1, 2, 4], [1, 1, 0], weight=[0.1, 1, 2], group=[0, 1, 1]), 2, 1)
    observations = observe(
        [1, 2, 3, 2, 4],
        [1, 1, 1, 1, 0],
        entry=[0, 1, 1, 0, 0],
        weight=[0.1, 0.1, later, 1, 2],
        group=[0, 0, 0, 1, 1],
    )
    assert_same_test(gray_test(observations, 2, 1), alone)


@given(rows(causes=1, groups=GROUPS, group=True, cluster=False, entry=False))
@settings(deadline=None)
def test_without_competing_events_as_many_are_expected_as_by_the_logrank_test(sample: Rows) -> None:
    observations = sample.observe()
    observed, expected = counts(gray_test(observations, GROUPS, 1))
    by_logrank = counts(logrank_test(observations, GROUPS))
    np.testing.assert_array_equal(observed, by_logrank[0])
    np.testing.assert_allclose(expected, by_logrank[1], rtol=1e-9, atol=1e-12)


@given(rows(causes=1, groups=GROUPS, group=True, cluster=False, entry=False))
@settings(deadline=None)
def test_at_a_single_time_it_is_the_logrank_test(sample: Rows) -> None:
    observations = replace(sample, time=[1.0 if cause else 2.0 for cause in sample.cause]).observe()
    gray, logrank = gray_test(observations, GROUPS, 1), logrank_test(observations, GROUPS)
    assert gray.degrees_of_freedom == logrank.degrees_of_freedom
    np.testing.assert_allclose(gray.statistic, logrank.statistic, rtol=1e-8, atol=1e-12)


@given(rows(causes=3, groups=GROUPS, group=True))
@settings(deadline=None)
def test_observed_and_expected_events_have_one_sum(sample: Rows) -> None:
    observed, expected = counts(gray_test(sample.observe(), GROUPS, 1))
    assert observed.sum() == pytest.approx(expected.sum(), rel=1e-9, abs=1e-12)


@given(shuffled(rows(causes=3, groups=GROUPS, group=True, near_ties=True)))
@settings(deadline=None)
def test_the_order_of_rows_changes_no_bit(samples: tuple[Rows, Rows]) -> None:
    first, second = (gray_test(sample.observe(), GROUPS, 1) for sample in samples)
    np.testing.assert_array_equal([first.statistic, first.p_value], [second.statistic, second.p_value])


@given(rows(causes=3, groups=GROUPS, group=True), st.permutations(range(GROUPS)))
@settings(deadline=None)
def test_the_codes_of_the_groups_do_not_matter(sample: Rows, codes: list[int]) -> None:
    test = gray_test(sample.observe(), GROUPS, 1)
    other = gray_test(replace(sample, group=[codes[code] for code in sample.group or []]).observe(), GROUPS, 1)
    assert other.degrees_of_freedom == test.degrees_of_freedom
    np.testing.assert_allclose(other.statistic, test.statistic, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(counts(other)[1][codes], counts(test)[1], rtol=1e-9, atol=1e-12)


@given(rows(causes=3, groups=GROUPS, group=True, weight=True))
@settings(deadline=None)
def test_weights_are_replicated_rows(sample: Rows) -> None:
    test, other = (gray_test(same.observe(), GROUPS, 1) for same in (sample, sample.replicated()))
    assert_same_test(test, other)


@pytest.mark.parametrize("elements", [0, 100_000])
@given(rows(causes=3, groups=GROUPS, group=True, weight=True))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_causes_together_have_the_tests_of_each(monkeypatch: pytest.MonkeyPatch, elements: int, sample: Rows) -> None:
    """However many groups are worked on at once."""
    observations = sample.observe()
    alone = [gray_test(observations, GROUPS, cause) for cause in (1, 2, 3)]
    monkeypatch.setattr(partial_likelihood, "NEAR", elements)
    for one, other in zip(alone, gray_tests(observations, GROUPS, [1, 2, 3]), strict=True):
        assert_same_test(one, other)


@given(rows(causes=3, groups=GROUPS, group=True), st.sampled_from([0.25, 365.25]))
@settings(deadline=None)
def test_the_unit_of_time_does_not_matter(sample: Rows, factor: float) -> None:
    scaled: dict[str, Any]
    scaled = {name: factor * np.array(sample.columns()[name]) for name in ("time", "entry") if name in sample.columns()}
    other = gray_test(observe(**sample.columns() | scaled), GROUPS, 1)
    np.testing.assert_array_equal(other.statistic, gray_test(sample.observe(), GROUPS, 1).statistic)


@pytest.mark.parametrize("block_id", ["by_group", "by_thickness_band"])
def test_figures_equal_cuminc(block_id: str) -> None:
    block = next(block for block in blocks("melanoma", "cuminc_gray") if block["id"] == block_id)
    observations, labels = sample("melanoma", block)
    for expected in block["gray_test"]:
        test = gray_test(observations, len(labels), expected["cause"])
        assert_equal_to_r([test.statistic, test.p_value], [expected["statistic"], expected["p_value"]])
        assert test.degrees_of_freedom == expected["df"]
