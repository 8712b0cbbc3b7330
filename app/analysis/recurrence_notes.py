"""What a careful statistician adds to figures of recurrences: the methods in sentences, and warnings."""

from collections.abc import Iterator, Mapping

import numpy as np

from app.analysis.incidence_notes import AALEN_VARIANCE, incidence_method
from app.analysis.recurrence_summary import RecurrenceEstimate, RecurrenceOptions
from app.analysis.recurrent import Recurrences
from app.analysis.survival_notes import FEW_AT_RISK, FEW_CLUSTERS, FEW_EVENTS, JACKKNIFE, Caution, Found, cautions

RECURRENCE_SENTENCES = {
    "few_recurrences": f"Fewer than {FEW_EVENTS} recurrences, so that estimates are imprecise: {{}}.",
    "group_without_recurrences": "No recurrences, so that the mean cumulative count is 0 without an interval: {}.",
    "recurrences_as_independent": "Limits and p values of rates and rate ratios take the recurrences of a subject as "
    "independent, and are too narrow where some subjects are prone to recurrences; mean cumulative counts and their "
    "test do not: {}.",
    "few_at_risk_at_last_recurrence": "The mean cumulative count rises where fewer than 10 % of the subjects are still "
    "at risk, and is uncertain there: {}.",
    "few_clusters": f"Fewer than {FEW_CLUSTERS} subjects or clusters, so that robust standard errors are too small: "
    "{}.",
    "gap_before_first_recurrence": "Some subjects are not at risk all the time before their first recurrence; its "
    "incidence takes them as free of recurrences meanwhile: {}.",
    "risk_set_emptied": "All at risk died while others were still to enter, so that the mean cumulative count is flat "
    "from then on: {}.",
}


def recurrence_warnings(groups: Mapping[str, RecurrenceEstimate]) -> list[Caution]:
    """Return what should be said aloud about the recurrences of groups, by label, each warning once."""
    return cautions((found for item in groups.items() for found in _cautions(*item)), RECURRENCE_SENTENCES)


def _cautions(label: str, estimate: RecurrenceEstimate) -> Iterator[Found]:
    count, sample = estimate.mean_cumulative_count, estimate.sample
    found = {
        "few_recurrences": 0 < estimate.recurrences < FEW_EVENTS,
        "group_without_recurrences": estimate.recurrences == 0,
        "recurrences_as_independent": max(estimate.counts) > 1,
        "few_at_risk_at_last_recurrence": (count.at_risk[count.events > 0] < FEW_AT_RISK * estimate.subjects).any(),
        "few_clusters": np.unique(np.asarray(sample.rows.cluster)).size < FEW_CLUSTERS,
        "gap_before_first_recurrence": sample.with_gaps.any(),
        "risk_set_emptied": (count.survival[:-1] == 0).any(),
    }
    yield from ((code, label) for code, applies in found.items() if applies)


def recurrence_methods(sample: Recurrences, options: RecurrenceOptions, *, compared: bool) -> Iterator[str]:
    """Yield how the figures of a sample came about, in sentences with their references."""
    level = f"{100 * options.survival.confidence_level:g} %"
    clustered = sample.first.cluster is not None
    count = "Nelson (J Qual Technol 1988;20:24-35)"
    if options.with_death:
        count = "Ghosh and Lin (Biometrics 2000;56:554-562), by which the dead have no more recurrences"
    yield (
        f"Rates are recurrences per {options.per:g} time unit{'' if options.per == 1 else 's'} at risk, with exact "
        f"{level} Poisson limits (Garwood, Biometrika 1936;28:437-442)."
    )
    yield (
        f"Mean cumulative counts are those of {count}, with {level} intervals of type {options.count_interval} from a "
        f"robust variance that lets the recurrences of a {'cluster' if clustered else 'subject'} depend on each other "
        "(Lawless and Nadeau, Technometrics 1995;37:158-168)."
    )
    yield (
        "A subject is at risk in its rows, after the start of each up to and including its end. At the same time "
        "recurrences come before deaths, and these before ends of follow-up; each recurrence counts, also of a subject "
        "at one time too; times that differ by rounding alone are one."
    )
    yield from _first_recurrence_methods(options, clustered=clustered)
    if compared:
        yield from _comparison_methods(level, options)


def _first_recurrence_methods(options: RecurrenceOptions, *, clustered: bool) -> Iterator[str]:
    variance = JACKKNIFE.format(unit="clusters") if clustered else AALEN_VARIANCE
    yield f"The first recurrence was analysed {'with' if options.with_death else 'without'} death as a competing event."
    yield incidence_method(options.survival.confidence_level, options.incidence_interval, variance)


def _comparison_methods(level: str, options: RecurrenceOptions) -> Iterator[str]:
    yield (
        f"Rates were compared by the exact test given the number of recurrences, with {level} limits of their ratio "
        "(Przyborowski and Wilenski, Biometrika 1940;31:313-323; Clopper and Pearson, Biometrika 1934;26:404-413)."
    )
    test = "the robust score test of the Andersen-Gill model (Lin et al., J R Stat Soc B 2000;62:711-730)"
    if options.with_death:
        test = "the log-rank type test of Ghosh and Lin (Biometrics 2000;56:554-562) with a robust variance"
    yield f"Mean cumulative counts were compared by {test}."
