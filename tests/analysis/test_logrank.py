"""The log-rank test: by hand, subject by subject, and against R and SPSS."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.logrank import logrank_test
from app.analysis.observations import Observations, observe
from tests.references import assert_equal_to_r, blocks, reference, sample


def test_two_groups_by_hand() -> None:
    """Deaths at 1 (2 of 4 in the first group), 2 (1 of 3), 3 (0 of 2) and 4: E = 1/2 + 1/3, V = 1/4 + 2/9."""
    test = logrank_test(observe([1, 2, 3, 4], [True] * 4, group=[0, 0, 1, 1]), 2)
    assert test.observed is not None
    assert test.expected is not None
    np.testing.assert_array_equal(test.observed, [2, 2])
    np.testing.assert_allclose(test.expected, [5 / 6, 19 / 6], rtol=1e-15)
    assert test.statistic == pytest.approx((2 - 5 / 6) ** 2 / (1 / 4 + 2 / 9), rel=1e-12)
    assert test.degrees_of_freedom == 1


def test_delayed_entry_counts_in_the_risk_sets() -> None:
    """The second subject enters at the death at 1, so is not yet at risk: no variance there, 1/2 expected at 3."""
    test = logrank_test(observe([1, 4, 3], [True, False, True], entry=[0, 1, 0], group=[0, 0, 1]), 2)
    assert test.expected is not None
    np.testing.assert_allclose(test.expected, [1 / 2 + 1 / 2, 1 / 2 + 1 / 2])
    assert test.statistic == pytest.approx(0, abs=1e-15)


def test_a_group_that_is_never_at_risk_drops_out_of_the_degrees_of_freedom() -> None:
    observations = observe([0.5, 2, 3, 4, 5], [False, True, True, True, True], group=[2, 0, 1, 0, 1])
    assert logrank_test(observations, 3).degrees_of_freedom == 1


def test_without_events_there_is_no_test() -> None:
    test = logrank_test(observe([1, 2], [False, False], group=[0, 1]), 2)
    assert np.isnan([test.statistic, test.p_value]).all()
    assert test.reason is not None


def logrank_subject_by_subject(observations: Observations, groups: int) -> tuple[list[float], list[float]]:
    rows = list(zip(observations.time, observations.event, observations.groups, observations.weights, strict=True))
    observed, expected = [0.0] * groups, [0.0] * groups
    for now in {row[0] for row in rows if row[1]}:
        exposed = [row for row in rows if row[0] >= now]
        deaths = [row for row in exposed if row[0] == now and row[1]]
        for group in range(groups):
            observed[group] += sum(row[3] for row in deaths if row[2] == group)
            at_risk = sum(row[3] for row in exposed if row[2] == group)
            expected[group] += sum(row[3] for row in deaths) * at_risk / sum(row[3] for row in exposed)
    return observed, expected


rows = st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 2)), min_size=1, max_size=30)


@given(rows)
@settings(deadline=None)
def test_observed_and_expected_equal_the_literal_count(cases: list[tuple[int, bool, int]]) -> None:
    time, event, group = zip(*cases, strict=True)
    test = logrank_test(observe(time, event, group=group), 3)
    observed, expected = logrank_subject_by_subject(observe(time, event, group=group), 3)
    assert test.observed is not None
    assert test.expected is not None
    np.testing.assert_array_equal(test.observed, observed)
    np.testing.assert_allclose(test.expected, expected, rtol=1e-12, atol=1e-12)
    assert test.observed.sum() == pytest.approx(test.expected.sum())


@given(rows, st.permutations([0, 1, 2]))
@settings(deadline=None)
def test_names_of_groups_do_not_matter(cases: list[tuple[int, bool, int]], renamed: list[int]) -> None:
    time, event, group = zip(*cases, strict=True)
    test = logrank_test(observe(time, event, group=group), 3)
    other = logrank_test(observe(time, event, group=[renamed[code] for code in group]), 3)
    assert other.degrees_of_freedom == test.degrees_of_freedom
    np.testing.assert_allclose(other.statistic, test.statistic, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "block_id"),
    [
        (name, block["id"])
        for name in ("aml", "lung", "veteran", "ovarian", "kidney", "melanoma")
        for block in blocks(name, "logrank")
        if "strata" not in block["inputs"]
    ],
)
def test_figures_equal_survdiff(name: str, block_id: str) -> None:
    block = next(block for block in blocks(name, "logrank") if block["id"] == block_id)
    observations, labels = sample(name, block)
    test, expected = logrank_test(observations, len(labels)), block["survdiff_rho0"]
    assert_equal_to_r([test.statistic, test.p_value], [expected["chisq"], expected["p_value"]])
    assert test.degrees_of_freedom == expected["df"]
    assert test.observed is not None
    assert test.expected is not None
    assert_equal_to_r(test.observed, expected["observed"])
    assert_equal_to_r(test.expected, expected["expected"])


def test_the_statistic_equals_spss() -> None:
    columns, expected = reference("spss31")["columns"], reference("spss31")["expected"]["log_rank"]
    group = [int(label) - 1 for label in columns["group"]]
    test = logrank_test(observe(columns["time"], columns["event"], group=group), 2)
    np.testing.assert_allclose(test.statistic, expected["statistic"], rtol=1e-9)
    assert test.degrees_of_freedom == expected["degrees_of_freedom"]
