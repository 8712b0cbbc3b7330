"""A sample summarised: who is in it, which groups it has, and what does not matter to it."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.comparison import ComparisonOptions, MaxCombo, Trend
from app.analysis.conventions import CONVENTIONS, ConventionName
from app.analysis.errors import InvalidParameterError
from app.analysis.logrank import Weighting
from app.analysis.observations import Observations, observe
from app.analysis.survival import SurvivalEstimate, SurvivalOptions, estimate_survival
from app.analysis.survival_summary import GroupEstimate, SurvivalSummary, summarize_survival
from tests.analysis.comparison_samples import logrank_test, trend_test
from tests.strategies import Rows, rows, shuffled, split_in_rows

R = SurvivalOptions(CONVENTIONS["r"])
LOG_RANK = ComparisonOptions()
# Of groups 0 .. 3 the second has no rows; the first ends before 3.
FOUR = observe([1, 2, 3, 5, 6, 8], [1, 0, 1, 1, 0, 1], group=[0, 0, 2, 2, 3, 3])


def summarized(
    observations: Observations, groups: int = 0, options: SurvivalOptions = R, **fields: Any
) -> SurvivalSummary:
    return summarize_survival(observations, groups, options, LOG_RANK, **fields)


def leaves(found: Any, where: str = "") -> dict[str, Any]:
    """Return every figure of a result by its path, arrays and numbers as their bytes."""
    if is_dataclass(found):
        inner = [(field.name, getattr(found, field.name)) for field in fields(found)]
    elif isinstance(found, list | tuple):
        inner = [(str(place), one) for place, one in enumerate(found)]
    elif isinstance(found, np.ndarray | float):
        return {where: (np.shape(found), np.asarray(found).tobytes())}
    else:
        return {where: found}
    return {path: leaf for name, one in inner for path, leaf in leaves(one, f"{where}/{name}").items()}


def assert_identical(first: Any, second: Any, *but: str) -> None:
    """Assert that two results agree in every bit, and in the type of every figure."""
    one, other = (
        {path: leaf for path, leaf in leaves(found).items() if not path.endswith(but)} for found in (first, second)
    )
    assert one.keys() == other.keys()
    assert [path for path, leaf in one.items() if leaf != other[path]] == []


def test_without_groups_there_is_one_estimate() -> None:
    found = summarized(observe([1, 2, 3], [1, 1, 0]))
    assert (found.subjects, found.ended_before, found.groups, found.empty) == (3, 0, [], [])
    assert (found.comparison, found.min_cell_count) == (None, None)
    assert_identical(found.overall, estimate_survival(observe([1, 2, 3], [1, 1, 0]), R))


def test_a_group_column_does_not_matter_where_no_groups_are_asked_for() -> None:
    found = summarized(observe([1, 2, 3], [1, 1, 0], group=[0, 1, 1]))
    assert (found.groups, found.empty, found.comparison) == ([], [], None)


def test_one_group_has_nothing_to_be_compared_with() -> None:
    sample = observe([1, 2, 3], [1, 1, 0], group=[0, 0, 0])
    found = summarized(sample, 1)
    assert (found.empty, found.comparison) == ([], None)
    ((code, estimate),) = [(group.code, group.estimate) for group in found.groups]
    assert code == 0
    assert_identical(estimate, found.overall)


def test_groups_without_rows_are_empty_and_the_others_keep_their_codes() -> None:
    found = summarized(FOUR, 5)
    assert [group.code for group in found.groups] == [0, 2, 3]
    assert found.empty == [1, 4]
    assert [estimate_of(group).subjects for group in found.groups] == [2, 2, 2]
    assert found.comparison is not None
    pairs = [(one.pair.first, one.pair.second) for one in found.comparison.restricted_mean_differences]
    assert pairs == [(0, 1), (0, 2), (1, 2)]
    (test,) = found.comparison.tests
    assert test.observed is not None
    assert test.observed.tolist() == [1, 2, 1]


def test_they_are_compared_as_if_the_empty_ones_had_not_been_named() -> None:
    coded_anew = replace(FOUR, group=np.searchsorted([0, 2, 3], FOUR.groups))
    assert_identical(summarized(FOUR, 5).comparison, summarized(coded_anew, 3).comparison)


def estimate_of(group: GroupEstimate) -> SurvivalEstimate:
    assert group.estimate is not None
    return group.estimate


class TestStartTime:
    def test_counts_those_followed_until_then_and_those_not(self) -> None:
        """Who ends at 3 itself was followed until 3."""
        found = summarized(FOUR, 4, start_time=3)
        assert (found.subjects, found.ended_before) == (4, 2)
        assert [group.code for group in found.groups] == [2, 3]
        assert found.empty == [0, 1]
        assert found.observations.start == 3
        assert found.overall is not None
        assert (found.overall.subjects, found.overall.events) == (4, 3)
        np.testing.assert_allclose(found.overall.curve.survival, [3 / 4, 1 / 2, 1 / 2, 0])

    def test_counts_subjects_and_not_rows(self) -> None:
        found = summarized(observe([1, 2, 5], [1, 1, 0], weight=[4, 2, 3]), start_time=2)
        assert (found.subjects, found.ended_before) == (5, 4)

    def test_may_leave_one_group(self) -> None:
        found = summarized(FOUR, 4, start_time=6)
        assert ([group.code for group in found.groups], found.empty, found.comparison) == ([3], [0, 1, 2], None)

    def test_of_zero_leaves_all(self) -> None:
        assert_identical(summarized(FOUR, 4, start_time=0), summarized(FOUR, 4))

    def test_that_ties_with_the_end_of_a_follow_up_is_that_time(self) -> None:
        found = summarized(observe([0.3, 2], [1, 0]), start_time=0.1 + 0.2)
        assert (found.subjects, found.ended_before, found.observations.start) == (2, 0, 0.1 + 0.2)

    def test_beyond_the_last_follow_up_is_refused(self) -> None:
        with pytest.raises(InvalidParameterError, match="nobody is followed until start_time"):
            summarized(FOUR, 4, start_time=8.1)


def test_scores_of_a_trend_stay_with_their_groups() -> None:
    """Of groups 0, 2 and 3, or after 3 of 2 and 3; other tests are as they are."""
    comparison = ComparisonOptions((Weighting(), Trend((5, 6, 7, 11)), Trend()))
    coded_anew = replace(FOUR, group=np.searchsorted([0, 2, 3], FOUR.groups))
    found = summarize_survival(FOUR, 4, R, comparison).comparison
    assert found is not None
    expected = [logrank_test(coded_anew, 3), trend_test(coded_anew, 3, (5, 7, 11)), trend_test(coded_anew, 3)]
    assert [test.statistic for test in found.tests] == [test.statistic for test in expected]
    later = summarize_survival(FOUR, 4, R, comparison, start_time=3).comparison
    assert later is not None
    assert later.tests[1].statistic == pytest.approx(later.tests[0].statistic)


def test_too_few_scores_of_a_trend_are_refused() -> None:
    with pytest.raises(InvalidParameterError, match="as many scores as there are groups"):
        summarize_survival(FOUR, 4, R, ComparisonOptions((Trend((1, 2)),)))


@pytest.mark.parametrize("name", CONVENTIONS)
def test_the_mean_of_a_group_may_run_to_the_end_of_all(name: ConventionName) -> None:
    """Group 0 ends at 2 and group 3 at 8, with events at 1 and 8."""
    found = summarized(FOUR, 4, SurvivalOptions(CONVENTIONS[name])).groups
    horizons = [estimate_of(group).restricted_mean.horizon for group in found]
    assert horizons == {"r": [8, 8, 8], "sas": [1, 5, 8], "spss": [2, 5, 8], "stata": [2, 5, 8]}[name]


def test_with_sampling_weights_a_row_is_a_subject() -> None:
    sample = observe([1, 2, 5], [1, 1, 0], weight=[0.5, 2.5, 3], sampling=True)
    found = summarized(sample, start_time=2)
    assert (found.subjects, found.ended_before) == (2, 1)
    assert found.overall is not None
    assert found.overall.subjects == 5.5


EVERYTHING = ComparisonOptions((Weighting(), Weighting("fleming-harrington", 0.5, 1), Trend(), MaxCombo()), "hochberg")
STARTS = st.sampled_from([None, 0, 2, 0.5])


def of_all(sample: Rows, name: ConventionName, start: float | None) -> SurvivalSummary | None:
    """Return all that can be asked of a sample, None where nobody is left."""
    options = SurvivalOptions(CONVENTIONS[name], landmarks=(0, 2, 9), risk_table_times=(0, 3, 5.5), quantiles=(0.3,))
    groups = 0 if sample.group is None else sample.groups
    try:
        return summarize_survival(sample.observe(), groups, options, EVERYTHING, start_time=start)
    except InvalidParameterError:
        return None


@given(shuffled(rows(stratum=None, near_ties=True)), st.sampled_from(list(CONVENTIONS)), STARTS)
@settings(deadline=None, max_examples=60)
def test_the_order_of_rows_changes_no_bit(
    samples: tuple[Rows, Rows], name: ConventionName, start: float | None
) -> None:
    one, other = (of_all(sample, name, start) for sample in samples)
    assert_identical(one, other)


@given(split_in_rows(rows(stratum=None, near_ties=True)), st.sampled_from(list(CONVENTIONS)), STARTS)
@settings(deadline=None, max_examples=60)
def test_a_table_of_counts_gives_the_same_bits_as_its_rows(
    samples: tuple[Rows, Rows], name: ConventionName, start: float | None
) -> None:
    """All but whether the sample has a column of weights of 1."""
    one, other = (of_all(sample, name, start) for sample in samples)
    assert_identical(one, other, "/weight")


@given(rows(stratum=None, near_ties=True), st.sampled_from(list(CONVENTIONS)), STARTS)
@settings(deadline=None, max_examples=60)
def test_groups_are_estimated_alone_and_add_up(sample: Rows, name: ConventionName, start: float | None) -> None:
    found = of_all(sample, name, start)
    if found is None or not found.groups:
        return
    assert found.overall is not None
    for counts in ("subjects", "events", "censored", "person_time"):
        parts = sum(getattr(estimate_of(group), counts) for group in found.groups)
        assert parts == pytest.approx(getattr(found.overall, counts))
    assert (found.comparison is not None) == (len(found.groups) > 1)
    assert sorted([*(group.code for group in found.groups), *found.empty]) == list(range(sample.groups))
    for group in found.groups:
        alone = sample.take([row for row, code in enumerate(sample.group or []) if code == group.code])
        expected = of_all(replace(alone, group=None), name, start)
        assert expected is not None
        assert expected.overall is not None
        np.testing.assert_allclose(estimate_of(group).curve.survival, expected.overall.curve.survival)
