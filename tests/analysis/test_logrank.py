"""The log-rank family: by hand, at its edges, and subject by subject."""

from fractions import Fraction
from math import prod, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.errors import InvalidParameterError
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.logrank import Weighting
from app.analysis.observations import Observations, observe
from tests import literal
from tests.analysis.comparison_samples import logrank_test, trend_test
from tests.strategies import Rows, rows

GROUPS = 3
WEIGHTINGS = [
    Weighting("log-rank"),
    Weighting("gehan-breslow"),
    Weighting("tarone-ware"),
    Weighting("peto-peto"),
    Weighting("modified-peto-peto"),
    *(Weighting("fleming-harrington", *powers) for powers in ((0, 0), (1, 0), (0, 1), (1, 1), (0.5, 0.5), (2, 0.1))),
]
weightings = st.sampled_from(WEIGHTINGS)
samples = rows(groups=GROUPS, group=True, stratum=None, cluster=False, max_size=14)


def counts(test: HypothesisTest) -> tuple[FloatArray, FloatArray]:
    """Return the observed and the expected events of a test that has them."""
    assert test.observed is not None
    assert test.expected is not None
    return test.observed, test.expected


def test_two_groups_by_hand() -> None:
    """Deaths at 1 (2 of 4 in the first group), 2 (1 of 3), 3 (0 of 2) and 4: E = 1/2 + 1/3, V = 1/4 + 2/9."""
    test = logrank_test(observe([1, 2, 3, 4], [True] * 4, group=[0, 0, 1, 1]), 2)
    observed, expected = counts(test)
    np.testing.assert_array_equal(observed, [2, 2])
    np.testing.assert_allclose(expected, [5 / 6, 19 / 6], rtol=1e-15)
    assert test.statistic == pytest.approx((2 - 5 / 6) ** 2 / (1 / 4 + 2 / 9), rel=1e-12)
    assert (test.name, test.degrees_of_freedom, test.reason) == ("log-rank", 1, None)


@pytest.mark.parametrize(
    ("weighting", "weight"),
    [
        (Weighting("gehan-breslow"), [4, 3, 2, 1]),
        (Weighting("tarone-ware"), [2, sqrt(3), sqrt(2), 1]),
        (Weighting("peto-peto"), [4 / 5, 3 / 5, 2 / 5, 1 / 5]),
        (Weighting("modified-peto-peto"), [4 / 5 * 4 / 5, 3 / 5 * 3 / 4, 2 / 5 * 2 / 3, 1 / 5 * 1 / 2]),
        (Weighting("fleming-harrington"), [1, 1, 1, 1]),
        (Weighting("fleming-harrington", rho=1), [1, 3 / 4, 1 / 2, 1 / 4]),
        (Weighting("fleming-harrington", gamma=1), [0, 1 / 4, 1 / 2, 3 / 4]),
        (Weighting("fleming-harrington", rho=2, gamma=0.5), [0, 9 / 16 / 2, 1 / 4 / sqrt(2), 1 / 16 * sqrt(3) / 2]),
    ],
)
def test_weights_by_hand(weighting: Weighting, weight: list[float]) -> None:
    """The same four deaths: observed - expected of the first group is 1/2, then 2/3; variances 1/4 and 2/9."""
    test = logrank_test(observe([1, 2, 3, 4], [True] * 4, group=[0, 0, 1, 1]), 2, weighting)
    observed, expected = counts(test)
    np.testing.assert_allclose(observed, [weight[0] + weight[1], weight[2] + weight[3]], rtol=1e-14)
    first = weight[0] / 2 + weight[1] / 3
    np.testing.assert_allclose(expected, [first, sum(weight) - first], rtol=1e-14)
    score, variance = weight[0] / 2 + weight[1] * 2 / 3, weight[0] ** 2 / 4 + weight[1] ** 2 * 2 / 9
    assert test.statistic == pytest.approx(score**2 / variance, rel=1e-12)
    assert test.name == weighting.name


def test_tied_deaths_by_hand() -> None:
    """2 of 4 die, both of the first group, who are 2: variance 2 (2/3) (1/2)^2 = 1/3, and 1 more than expected."""
    test = logrank_test(observe([1, 1, 2, 2], [1, 1, 0, 0], group=[0, 0, 1, 1]), 2)
    assert test.statistic == pytest.approx(3, rel=1e-14)


def test_delayed_entry_counts_in_the_risk_sets() -> None:
    """The second subject enters at the death at 1, so is not yet at risk: no variance there, 1/2 expected at 3."""
    test = logrank_test(observe([1, 4, 3], [True, False, True], entry=[0, 1, 0], group=[0, 0, 1]), 2)
    np.testing.assert_allclose(counts(test)[1], [1 / 2 + 1 / 2, 1 / 2 + 1 / 2])
    assert test.statistic == pytest.approx(0, abs=1e-15)


def test_strata_by_hand() -> None:
    """One death in each stratum, at risk with one and with two of the other group: U = 1/2 + 2/3, V = 1/4 + 2/9.

    Survival starts anew in the second stratum, so its death counts 1 too; in one stratum it would be the last.
    """
    observations = observe([1, 2, 3, 4, 4], [1, 0, 1, 0, 0], group=[0, 1, 0, 1, 1], stratum=[0, 0, 1, 1, 1])
    for weighting in (Weighting(), Weighting("fleming-harrington", rho=1)):
        test = logrank_test(observations, 2, weighting)
        np.testing.assert_allclose(counts(test)[1], [1 / 2 + 1 / 3, 1 / 2 + 2 / 3])
        assert test.statistic == pytest.approx((7 / 6) ** 2 / (17 / 36), rel=1e-12)


def test_a_group_that_is_never_at_risk_drops_out_of_the_degrees_of_freedom() -> None:
    observations = observe([0.5, 2, 3, 4, 5], [False, True, True, True, True], group=[2, 0, 1, 0, 1])
    assert logrank_test(observations, 3).degrees_of_freedom == 1


def test_groups_in_different_strata_are_compared_within_these_alone() -> None:
    """Groups 0 and 1 are never at risk with 2 and 3: two comparisons, two degrees of freedom."""
    time, cause = [1, 2, 3, 4, 1, 2, 3, 4], [1] * 8
    observations = observe(time, cause, group=[0, 0, 1, 1, 2, 2, 3, 3], stratum=[0] * 4 + [1] * 4)
    test, pair = logrank_test(observations, 4), logrank_test(observe(time[:4], cause[:4], group=[0, 0, 1, 1]), 2)
    assert test.degrees_of_freedom == 2
    assert test.statistic == pytest.approx(2 * pair.statistic, rel=1e-12)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_without_events_there_is_no_test(weighting: Weighting) -> None:
    for test in (
        logrank_test(observe([1, 2], [False, False], group=[0, 1]), 2, weighting),
        trend_test(observe([1, 2], [False, False], group=[0, 1]), 2, weighting=weighting),
    ):
        assert np.isnan([test.statistic, test.p_value]).all()
        assert test.degrees_of_freedom == 0
        assert test.reason is not None
        np.testing.assert_array_equal(counts(test), np.zeros((2, 2)))


def test_where_only_the_first_death_compares_late_weights_have_no_test() -> None:
    observations = observe([1, 2, 2], [True, False, False], group=[0, 0, 1])
    assert logrank_test(observations, 2, Weighting("fleming-harrington", gamma=1)).reason is not None
    assert logrank_test(observations, 2, Weighting("fleming-harrington", rho=1)).reason is None


def test_with_sampling_weights_there_is_no_test() -> None:
    observations = observe([1, 2, 3], [1, 1, 1], weight=[0.5, 2, 3], group=[0, 1, 1], sampling=True)
    for test in (logrank_test(observations, 2, Weighting("peto-peto")), trend_test(observations, 2)):
        assert np.isnan([test.statistic, test.p_value]).all()
        assert test.degrees_of_freedom == 0
        assert test.reason == "not defined with sampling weights: robust-score takes its place"
    np.testing.assert_array_equal(counts(trend_test(observations, 2))[0], [0.5, 5])


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_a_single_subject_among_thousands_of_millions_is_compared(weighting: Weighting) -> None:
    observations = observe([1, 2, 2, 3, 3], [1, 1, 1, 0, 0], weight=[1, 4e9, 5e9, 1, 2e9], group=[1, 1, 2, 0, 2])
    assert logrank_test(observations, 3, weighting).degrees_of_freedom == 2


def test_one_death_of_the_only_one_exposed_among_a_thousand_million() -> None:
    """1 death of n = 10^9 + 1, of the one exposed: U = 1 - 1/n, V = (1/n) (1 - 1/n); the statistic is n - 1."""
    test = logrank_test(observe([1, 2], [1, 0], weight=[1, 1e9], group=[0, 1]), 2)
    assert test.statistic == pytest.approx(1e9, rel=1e-12)


@pytest.mark.parametrize(
    "options",
    [{"name": "mantel"}, {"rho": -1}, {"gamma": -0.5}, {"rho": np.inf}, {"gamma": np.nan}],
)
def test_unknown_weights_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidParameterError):
        Weighting(**options)  # type: ignore[arg-type]


def test_trend_by_hand() -> None:
    """Scores 1, 2, 2, 3 die in order: the mean at risk is 2, 7/3, 5/2; variances 1/2, 2/9, 1/4."""
    observations = observe([1, 2, 3, 4], [True] * 4, group=[0, 1, 1, 2])
    test = trend_test(observations, 3)
    assert test.statistic == pytest.approx((1 + 1 / 3 + 1 / 2) ** 2 / (1 / 2 + 2 / 9 + 1 / 4), rel=1e-12)
    assert (test.name, test.degrees_of_freedom, test.reason) == ("trend", 1, None)
    np.testing.assert_array_equal(counts(test)[0], [1, 2, 1])


def test_trend_between_groups_of_one_score_does_not_exist() -> None:
    observations = observe([1, 2, 3, 4], [1, 1, 1, 1], group=[0, 1, 0, 1])
    apart = observe([1, 2, 3, 4], [1, 1, 1, 1], group=[0, 1, 2, 2], stratum=[0, 0, 1, 1])
    for test in (
        trend_test(observations, 2, [0.1, 0.1]),
        trend_test(observations, 2, [0, 0]),
        trend_test(apart, 3, [0.1, 0.1, 7]),
    ):
        assert np.isnan([test.statistic, test.p_value]).all()
        assert test.degrees_of_freedom == 0
        assert test.reason is not None
        assert "different scores" in test.reason


@pytest.mark.parametrize("scores", [[1], [1, 2, 3], [], [1, np.nan], [np.inf, 1]])
def test_scores_are_one_finite_number_for_each_group(scores: list[float]) -> None:
    with pytest.raises(InvalidParameterError):
        trend_test(observe([1, 2], [1, 1], group=[0, 1]), 2, scores)


def literal_weight(weighting: Weighting, subjects: literal.Sample, time: float) -> float:
    """Return the weight of a time from the subjects of its stratum."""
    n, d = literal.count(literal.risk_set(subjects, time)), literal.count(literal.failures(subjects, time))
    *earlier, now = literal.failure_counts(subjects, time)
    assert now == (d, n)
    before = prod((1 - deaths / at_risk for deaths, at_risk in earlier), start=Fraction(1))
    survival = prod((1 - deaths / (at_risk + 1) for deaths, at_risk in (*earlier, now)), start=Fraction(1))
    weights: dict[str, float] = {
        "log-rank": 1.0,
        "gehan-breslow": float(n),
        "tarone-ware": sqrt(n),
        "peto-peto": float(survival),
        "modified-peto-peto": float(survival * n / (n + 1)),
        "fleming-harrington": float(before) ** weighting.rho * float(1 - before) ** weighting.gamma,
    }
    return weights[weighting.name]


def literal_score_and_covariance(observations: Observations, weighting: Weighting) -> tuple[FloatArray, FloatArray]:
    score, covariance = np.zeros(GROUPS), np.zeros((GROUPS, GROUPS))
    stratum = np.zeros(observations.size) if observations.stratum is None else observations.stratum
    for code in np.unique(stratum):
        subjects = literal.subjects(observations.select(stratum == code))
        for time in {subject.time for subject in subjects if subject.cause}:
            exposed, dead = literal.risk_set(subjects, time), literal.failures(subjects, time)
            n, d = literal.count(exposed), literal.count(dead)
            w = literal_weight(weighting, subjects, time)
            share = [literal.count([one for one in exposed if one.group == j]) / n for j in range(GROUPS)]
            for j in range(GROUPS):
                score[j] += w * float(literal.count([one for one in dead if one.group == j]) - d * share[j])
                for k in range(GROUPS):
                    spread = d * (n - d) / (n - 1) * share[j] * ((j == k) - share[k]) if n > 1 else Fraction(0)
                    covariance[j, k] += w**2 * float(spread)
    return score, covariance


@given(samples, weightings)
@settings(deadline=None, max_examples=200)
def test_the_tests_equal_their_definition(sample: Rows, weighting: Weighting) -> None:
    observations = sample.observe()
    test, trend = logrank_test(observations, GROUPS, weighting), trend_test(observations, GROUPS, weighting=weighting)
    score, covariance = literal_score_and_covariance(observations, weighting)
    observed, expected = counts(test)
    np.testing.assert_allclose(observed - expected, score, rtol=1e-9, atol=1e-11)
    np.testing.assert_array_equal(counts(trend), counts(test))
    rank = np.linalg.matrix_rank(covariance, tol=1e-9 * covariance.max(), hermitian=True) if covariance.any() else 0
    assert test.degrees_of_freedom == rank
    assert (test.reason is None) == (rank > 0)
    if rank:
        statistic = score @ np.linalg.pinv(covariance, rcond=1e-9, hermitian=True) @ score
        assert test.statistic == pytest.approx(statistic, rel=1e-7, abs=1e-12)
    if trend.reason is None:
        by_definition = (score[1] + 2 * score[2]) ** 2 / (np.array([0, 1, 2]) @ covariance @ np.array([0, 1, 2]))
        assert trend.statistic == pytest.approx(by_definition, rel=1e-7, abs=1e-12)
        assert trend.statistic <= test.statistic * (1 + 1e-9) + 1e-12
