"""What the tests of comparisons share: samples, and their groups compared."""

from collections.abc import Sequence
from typing import Any

from app.analysis import logrank, max_combo
from app.analysis.comparison import Comparison, ComparisonOptions, compare_survival
from app.analysis.conventions import CONVENTIONS
from app.analysis.event_times import event_times
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.observations import Observations, observe
from app.analysis.survival import SurvivalEstimate, SurvivalOptions, estimate_survival

R = SurvivalOptions(CONVENTIONS["r"])
LOG_RANK = ComparisonOptions()
FILES = ("aml", "lung", "veteran", "ovarian", "kidney", "melanoma")
TWO = observe(range(1, 9), [True] * 8, group=[0, 1] * 4)
THREE = observe(range(1, 13), [True, True, False] * 4, group=[0, 1, 2, 2, 1, 0] * 2)
PAIRED = observe(range(1, 9), [True] * 8, group=[0, 1] * 4, cluster=[0, 0, 1, 1, 2, 2, 3, 3])
WEIGHTED = observe(range(1, 9), [True] * 8, group=[0, 1] * 4, weight=[1.5, 2] * 4, sampling=True)


def by_group(observations: Observations, groups: int, options: SurvivalOptions, **which: Any) -> list[SurvivalEstimate]:
    last = float(observations.time[-1])
    parts = observations.split(groups)
    return [estimate_survival(part, options, largest_time_of_all=last, **which) for part in parts]


def compared(
    observations: Observations,
    groups: int = 2,
    comparison: ComparisonOptions = LOG_RANK,
    options: SurvivalOptions = R,
    **which: Any,
) -> Comparison:
    estimates = by_group(observations, groups, options, **which)
    return compare_survival(observations, estimates, options, comparison, **which)


def logrank_test(observations: Observations, groups: int, *options: Any, **named: Any) -> HypothesisTest:
    return logrank.logrank_test(event_times(observations, groups), *options, **named)


def trend_test(observations: Observations, groups: int, *options: Any, **named: Any) -> HypothesisTest:
    return logrank.trend_test(event_times(observations, groups), *options, **named)


def max_combo_test(observations: Observations, groups: int) -> HypothesisTest:
    return max_combo.max_combo_test(event_times(observations, groups))


def codes(found: Sequence[Any]) -> list[tuple[int, int]]:
    return [(one.pair.first, one.pair.second) for one in found]
