"""Recurrences of a sample whole: by group, and the groups compared."""

from collections import Counter
from dataclasses import dataclass

from app.analysis.competing_risks import IncidenceEstimate, estimate_incidences
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.intervals import ConfidenceType
from app.analysis.mean_cumulative_count import (
    CountAt,
    CountInterval,
    MeanCumulativeCount,
    mean_cumulative_count,
    mean_cumulative_count_test,
)
from app.analysis.rates import Rate, RateRatio, poisson_rate, rate_ratio
from app.analysis.recurrent import Recurrences
from app.analysis.survival import SurvivalOptions


@dataclass(frozen=True, slots=True)
class RecurrenceOptions:
    """How recurrences are estimated.

    Attributes
    ----------
    survival : convention, confidence level and landmarks
    incidence_interval, count_interval : interval types of incidences and of mean cumulative counts
    per : units of time that rates are for
    with_death : whether death was recorded, and competes with the first recurrence
    """

    survival: SurvivalOptions
    incidence_interval: ConfidenceType = "log-log"
    count_interval: CountInterval = "log"
    per: float = 1.0
    with_death: bool = False


@dataclass(frozen=True, slots=True)
class RecurrenceEstimate:
    """Everything that is estimated of the recurrences of one sample; `counts` has the subjects by their recurrences."""

    sample: Recurrences
    subjects: int
    subjects_with_recurrence: int
    recurrences: int
    deaths: int
    counts: dict[int, int]
    person_time: float
    rate: Rate
    mean_cumulative_count: MeanCumulativeCount
    landmarks: list[CountAt]
    first_recurrence: IncidenceEstimate


@dataclass(frozen=True, slots=True)
class RecurrenceComparison:
    """The rate ratios of the groups but the first to that one, and the test of equal mean cumulative counts."""

    rate_ratios: list[RateRatio]
    test: HypothesisTest


@dataclass(frozen=True, slots=True)
class RecurrenceSummary:
    """The estimate of each group, of all subjects where there are no groups; None compares fewer than two."""

    groups: list[RecurrenceEstimate]
    comparison: RecurrenceComparison | None


def summarize_recurrences(sample: Recurrences, groups: int, options: RecurrenceOptions) -> RecurrenceSummary:
    """Estimate recurrences by group, and compare the groups.

    Parameters
    ----------
    groups : number of groups, each with a subject; 0 without

    Examples
    --------
    >>> from app.analysis.conventions import CONVENTIONS
    >>> from app.analysis.recurrent import observe_recurrences
    >>> sample = observe_recurrences([0, 0, 1, 2], [2, 6, 4, 8], [1, 0, 0, 1], group=[0, 0, 1, 1])
    >>> summary = summarize_recurrences(sample, 2, RecurrenceOptions(SurvivalOptions(CONVENTIONS["r"])))
    >>> [(group.recurrences, group.counts, group.person_time) for group in summary.groups]
    [(1, {1: 1}, 6.0), (1, {0: 1, 1: 1}, 12.0)]
    >>> summary.comparison.rate_ratios[0].rate_ratio
    0.5
    """
    parts = sample.split(groups) if groups else [sample]
    estimates = [estimate_recurrences(part, options) for part in parts]
    comparison = None
    if groups > 1:
        level = options.survival.confidence_level
        ratios = [_rate_ratio(later, estimates[0], level) for later in estimates[1:]]
        comparison = RecurrenceComparison(ratios, mean_cumulative_count_test(sample, groups))
    return RecurrenceSummary(estimates, comparison)


def estimate_recurrences(sample: Recurrences, options: RecurrenceOptions) -> RecurrenceEstimate:
    """Estimate the recurrences of one sample: their number, rate and mean cumulative count, and the first of each."""
    survival, counts = options.survival, sample.counts
    level, recurrences, person_time = survival.confidence_level, int(counts.sum()), sample.person_time
    count = mean_cumulative_count(sample, confidence_level=level, interval=options.count_interval)
    return RecurrenceEstimate(
        sample,
        counts.size,
        int((counts > 0).sum()),
        recurrences,
        sample.deaths,
        dict(sorted(Counter(counts.tolist()).items())),
        person_time,
        poisson_rate(recurrences, person_time, confidence_level=level, per=options.per),
        count,
        count.at(survival.landmarks, carries_forward=survival.convention.carries_forward),
        *estimate_incidences([sample.first], 1 + options.with_death, survival, options.incidence_interval),
    )


def _rate_ratio(later: RecurrenceEstimate, first: RecurrenceEstimate, confidence_level: float) -> RateRatio:
    return rate_ratio(
        (later.recurrences, first.recurrences),
        (later.person_time, first.person_time),
        confidence_level=confidence_level,
    )
