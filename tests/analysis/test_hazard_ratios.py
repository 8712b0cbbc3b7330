"""Hazard ratios of groups and the robust score test: by hand, and by a linear program."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Ties
from app.analysis.cox import cox_regression
from app.analysis.errors import NoEstimateError
from app.analysis.hazard_ratios import robust_score_test
from app.analysis.hypothesis_test import HypothesisTest, quadratic_form_test
from app.analysis.observations import Observations, observe
from app.analysis.partial_likelihood import partial_likelihood
from app.analysis.risk_sets import risk_sets
from tests.analysis.comparison_samples import logrank_test
from tests.analysis.cox_samples import (
    BOTH_TIES,
    FOUR_DEATHS,
    covariates_of,
    group_hazard_ratios,
    replicated,
    samples,
)
from tests.strategies import Rows, rows


def expected_events(test: HypothesisTest) -> FloatArray:
    assert test.expected is not None
    return test.expected


def test_robust_score_test_by_hand() -> None:
    """The residuals of the test above, in clusters of the first two and the third: 7/36 and -13/36."""
    test = robust_score_test(observe([1, 2, 3], [True] * 3, group=[1, 0, 1], cluster=[0, 0, 1]), 2)
    assert test.name == "robust-score"
    assert test.statistic == pytest.approx((7 - 13) ** 2 / (7**2 + 13**2))
    assert test.degrees_of_freedom == 1
    assert test.observed is not None
    np.testing.assert_array_equal(test.observed, [1, 2])
    np.testing.assert_allclose(expected_events(test), [1 / 3 + 1 / 2, 2 / 3 + 1 / 2 + 1])


def test_rows_without_clusters_are_clusters_of_their_own() -> None:
    test = robust_score_test(observe([1, 2, 3], [True] * 3, group=[1, 0, 1]), 2)
    assert test.statistic == pytest.approx((8 - 1 - 13) ** 2 / (8**2 + 1**2 + 13**2))


def test_hazard_ratios_name_group_and_reference() -> None:
    """Group 2 against 0 has the likelihood of the first test; group 1 is never at risk at an event."""
    observations = observe([1, 2, 3, 0.5], [True, True, False, False], group=[2, 0, 2, 1])
    first, second = group_hazard_ratios(observations, 3, confidence_level=0.9)
    assert (first.group, first.reference, first.reason) == (1, 0, "the group has no events")
    assert np.isnan([first.hazard_ratio, first.lower, first.upper, first.p_value]).all()
    assert (second.group, second.reference, second.reason) == (2, 0, None)
    assert second.hazard_ratio == pytest.approx(0.5**0.5)
    # I = 2 r / (2 r + 1)^2 + r / (r + 1)^2 at r = 1 / sqrt 2
    standard_error = (2**0.5 / (2**0.5 + 1) ** 2 + 0.5**0.5 / (0.5**0.5 + 1) ** 2) ** -0.5
    assert second.upper / second.hazard_ratio == pytest.approx(np.exp(1.644853627 * standard_error))
    assert second.hazard_ratio / second.lower == pytest.approx(np.exp(1.644853627 * standard_error))


#: In one stratum the first of three dies, of group 1, in the other the first of two, of group 0; pooled they would tie.
TWO_STRATA = observe([1, 3, 3, 1, 2], [1, 0, 0, 1, 0], group=[1, 0, 0, 0, 1], stratum=[0, 0, 0, 1, 1])


@pytest.mark.parametrize("ties", BOTH_TIES)
def test_hazard_ratios_with_strata_by_hand(ties: Ties) -> None:
    """L = r / (r + 2) / (r + 1) is largest at r = sqrt 2, where I = 2 r / (r + 2)^2 + r / (r + 1)^2."""
    (ratio,) = group_hazard_ratios(TWO_STRATA, 2, ties=ties)
    assert ratio.hazard_ratio == pytest.approx(2**0.5)
    information = 2 * 2**0.5 / (2**0.5 + 2) ** 2 + 2**0.5 / (2**0.5 + 1) ** 2
    assert ratio.upper / ratio.hazard_ratio == pytest.approx(np.exp(1.959963985 * information**-0.5))


def test_robust_score_test_with_strata_by_hand() -> None:
    """U = 2/3 - 1/2, the sum of residuals 4/9, 1/9, 1/9 of the first stratum and -1/4, -1/4 of the second."""
    test = robust_score_test(TWO_STRATA, 2)
    assert test.statistic == pytest.approx((1 / 36) / ((16 + 1 + 1) / 81 + 2 / 16))
    np.testing.assert_allclose(expected_events(test), [2 / 3 + 1 / 2, 1 / 3 + 1 / 2])


def ratios(observations: Observations, groups: int) -> list[tuple[bool, str | None]]:
    return [(bool(np.isnan(ratio.hazard_ratio)), ratio.reason) for ratio in group_hazard_ratios(observations, groups)]


MONOTONE = "monotone likelihood: while the two groups were at risk together, at most one of them had events"


def test_a_group_without_events_leaves_the_others_as_without_it() -> None:
    observations = observe([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 0, 0], group=[0, 2, 2, 0, 1, 1])
    without, both = group_hazard_ratios(observations, 3)
    assert without.reason == "the group has no events"
    (alone,) = group_hazard_ratios(observe([1, 2, 3, 4], [True] * 4, group=[0, 1, 1, 0]), 2)
    assert (both.hazard_ratio, both.lower, both.p_value) == (alone.hazard_ratio, alone.lower, alone.p_value)


def test_without_events_in_the_reference_group_there_are_no_hazard_ratios() -> None:
    observations = observe([1, 2, 3, 4, 5], [1, 1, 1, 1, 0], group=[1, 2, 1, 2, 0])
    assert ratios(observations, 4) == [(True, "the reference group has no events")] * 3


def test_without_any_events_there_are_no_hazard_ratios() -> None:
    assert ratios(observe([1, 2], [False, False], group=[0, 1]), 2) == [(True, "the reference group has no events")]


def test_a_group_that_was_never_at_risk_with_others_has_no_hazard_ratio() -> None:
    observations = observe([1, 2, 3, 11, 12], [True] * 5, entry=[0, 0, 0, 10, 10], group=[0, 1, 0, 2, 2])
    assert ratios(observations, 3) == [
        (False, None),
        (True, "nobody of the group was at risk together with others at an event"),
    ]


def test_groups_that_die_one_after_the_other_have_no_hazard_ratio() -> None:
    assert ratios(observe([1, 2, 3, 4, 5], [True] * 5, group=[0, 1, 0, 2, 2]), 3) == [(False, None), (True, MONOTONE)]
    assert ratios(observe([1, 2, 3, 4], [True] * 4, group=[1, 1, 0, 0]), 2) == [(True, MONOTONE)]


def test_groups_are_at_risk_together_within_strata_only() -> None:
    """Pooled there is a hazard ratio; in two strata each is alone, or in each the same group dies first."""
    pooled = observe([1, 2, 3, 4], [True] * 4, group=[0, 1, 0, 1])
    assert ratios(pooled, 2) == [(False, None)]
    alone = replace(pooled, stratum=pooled.group)
    assert ratios(alone, 2) == [(True, "nobody of the group was at risk together with others at an event")]
    assert ratios(replace(pooled, stratum=np.array([0, 0, 1, 1])), 2) == [(True, MONOTONE)]
    assert robust_score_test(alone, 2).reason is not None


def test_one_group_has_no_hazard_ratio() -> None:
    assert group_hazard_ratios(FOUR_DEATHS, 1) == []


def test_a_hazard_ratio_out_of_reach_has_a_reason() -> None:
    """A million billion die in one group for one in the other."""
    observations = observe([1, 2, 3, 3], [1, 1, 0, 0], weight=[1e15, 1, 1e15, 1e15], group=[1, 0, 0, 1])
    assert ratios(observations, 2) == [(True, "the hazard ratio is too near to 0 or infinity")]


def test_too_few_clusters_leave_a_hazard_ratio_without_limits() -> None:
    observations = observe([1, 2, 3], [True] * 3, group=[1, 0, 1], cluster=[0, 0, 0])
    (ratio,) = group_hazard_ratios(observations, 2)
    assert ratio.hazard_ratio == pytest.approx(0.5**0.5)
    assert np.isnan([ratio.lower, ratio.upper, ratio.p_value]).all()
    assert ratio.reason == "the clusters are too few for a robust variance"


@pytest.mark.parametrize(
    "observations",
    [
        observe([1, 2], [False, False], group=[0, 1]),
        observe([1, 2, 13, 14], [True] * 4, entry=[0, 0, 10, 10], group=[0, 0, 1, 1]),
        observe([1, 2, 3], [True] * 3, group=[1, 0, 1], cluster=[0, 0, 0]),
        observe([1, 1, 1, 2, 2, 2], [True] * 6, group=[0, 1, 1, 0, 1, 1], cluster=[0, 0, 0, 1, 1, 1]),
    ],
    ids=["no events", "never at risk together", "one cluster", "each cluster as expected"],
)
def test_a_robust_score_test_without_a_variance_has_a_reason(observations: Observations) -> None:
    test = robust_score_test(observations, 2)
    assert np.isnan([test.statistic, test.p_value]).all()
    assert test.degrees_of_freedom == 0
    assert test.reason is not None


def assert_same_model(
    observations: Observations, x: FloatArray, other: Observations, y: FloatArray, ties: Ties
) -> None:
    first, second = cox_regression(observations, x, ties=ties), cox_regression(other, y, ties=ties)
    np.testing.assert_allclose(first.coefficient, second.coefficient, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(first.standard_error, second.standard_error, rtol=1e-8, atol=1e-9)
    assert first.log_likelihood == pytest.approx(second.log_likelihood)


@given(st.data(), samples(min_size=4), st.sampled_from(BOTH_TIES))
@settings(deadline=None)
def test_weights_are_replicated_rows(data: st.DataObject, observations: Observations, ties: Ties) -> None:
    x = data.draw(covariates_of(observations, 1))
    rows, y = replicated(observations, x)
    try:
        cox_regression(observations, x, ties=ties)
    except NoEstimateError:
        with pytest.raises(NoEstimateError):
            cox_regression(rows, y, ties=ties)
    else:
        assert_same_model(observations, x, rows, y, ties)
    weighted, unweighted = robust_score_test(observations, 3), robust_score_test(rows, 3)
    np.testing.assert_allclose(weighted.statistic, unweighted.statistic, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(expected_events(weighted), expected_events(unweighted), rtol=1e-9)


@given(samples(ties=False))
@settings(deadline=None)
def test_the_score_test_is_the_log_rank_test_where_there_are_no_ties(observations: Observations) -> None:
    assume(np.unique(observations.time[observations.event]).size == observations.event.sum())
    indicators = np.equal.outer(observations.groups, range(3)).astype(np.float64)
    at = partial_likelihood(risk_sets(observations, "breslow"), indicators, np.zeros(3))
    information = at.information.round(12)  # the difference of two sums: what should be 0 may be 1e-16
    score_test, logrank = quadratic_form_test("score", at.score, information), logrank_test(observations, 3)
    assert score_test.degrees_of_freedom == logrank.degrees_of_freedom
    np.testing.assert_allclose(score_test.statistic, logrank.statistic, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        expected_events(robust_score_test(observations, 3)), expected_events(logrank), atol=1e-12
    )


def largest_distance(observations: Observations, code: int) -> float:
    """Return how far, in [-1, 1], the log hazards of a group and of group 0 may part without lowering the likelihood.

    It does not fall along c where nobody at risk at an event has a larger c than the one who has the event.
    """
    entry = np.full(observations.size, -1.0) if observations.entry is None else observations.entry
    of_group = np.eye(3)[observations.groups]
    rules = [
        of_group[other] - of_group[row]
        for row in np.flatnonzero(observations.event)
        for other in np.flatnonzero((entry < observations.time[row]) & (observations.time[row] <= observations.time))
    ]
    apart = np.eye(3)[code] - np.eye(3)[0]
    rows = np.array(rules).reshape(-1, 3)
    programs = [linprog(sign * apart, A_ub=rows, b_ub=np.zeros(len(rules)), bounds=(-1, 1)) for sign in (1, -1)]
    return max(-float(program["fun"]) for program in programs)


@given(samples(min_size=3))
@settings(deadline=None, max_examples=60)
def test_a_hazard_ratio_is_there_if_and_only_if_the_likelihood_has_a_maximum(observations: Observations) -> None:
    for ratio in group_hazard_ratios(replace(observations, cluster=None), 3):
        exists = largest_distance(observations, ratio.group) < 1e-6
        assert np.isfinite([ratio.hazard_ratio, ratio.lower, ratio.upper, ratio.p_value]).all() == exists
        assert (ratio.reason is None) == exists


@given(rows(stratum=True, group=True, cluster=False, min_size=12, max_size=20), st.sampled_from(BOTH_TIES))
@settings(deadline=None, max_examples=30)
def test_hazard_ratios_are_where_the_product_of_the_likelihoods_of_the_strata_is_largest(
    sample: Rows, ties: Ties
) -> None:
    observations = sample.observe()
    found = group_hazard_ratios(observations, 3, ties=ties)
    assume(all(ratio.reason is None for ratio in found))
    coefficient = np.log([ratio.hazard_ratio for ratio in found])
    stratum = np.array(observations.stratum)
    strata = [observations.select(stratum == code) for code in np.unique(stratum)]
    parts = [
        partial_likelihood(risk_sets(part, ties), np.equal.outer(part.groups, [1, 2]).astype(np.float64), coefficient)
        for part in strata
    ]
    np.testing.assert_allclose(np.sum([part.score for part in parts], axis=0), 0, atol=1e-6)
    information = np.sum([part.information for part in parts], axis=0)
    width = 1.959963985 * np.sqrt(np.diag(np.linalg.inv(information)))
    np.testing.assert_allclose(np.log([ratio.upper for ratio in found]), coefficient + width, rtol=1e-6, atol=1e-6)


@given(rows(stratum=True, weight=True, max_size=14), st.booleans())
@settings(deadline=None)
def test_with_strata_there_is_always_a_figure_or_a_reason(sample: Rows, sampling: bool) -> None:
    """With sampling weights each row is a cluster where there are none."""
    observations = observe(**sample.columns(), sampling=sampling)
    for ratio in group_hazard_ratios(observations, sample.groups):
        assert (ratio.reason is None) == np.isfinite([ratio.hazard_ratio, ratio.lower, ratio.p_value]).all()
    test = robust_score_test(observations, sample.groups)
    assert (test.reason is None) == np.isfinite([test.statistic, test.p_value]).all() == (test.degrees_of_freedom > 0)
