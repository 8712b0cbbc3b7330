"""How long the subjects were followed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Convention
from app.analysis.intervals import ConfidenceType
from app.analysis.kaplan_meier import kaplan_meier
from app.analysis.observations import Observations
from app.analysis.quantiles import Quantile, quantile
from app.analysis.segments import Segments


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Descriptive statistics of the follow-up times, and the median of the reverse Kaplan-Meier curve."""

    median: float
    mean: float
    minimum: float
    maximum: float
    lower_quartile: float
    upper_quartile: float
    reverse_kaplan_meier: Quantile


def follow_up(
    observations: Observations, convention: Convention, confidence_level: float, confidence_type: ConfidenceType
) -> FollowUp:
    """Describe the follow-up times as observed, and as they would be had nobody had the event.

    The quartiles are those of Hyndman & Fan's type 7 (linear interpolation between order statistics; R's and NumPy's
    default), with sampling weights scaled to sum to the number of rows. The reverse Kaplan-Meier curve has events and
    censorings exchanged; a subject with the event at t stays at risk for the censorings at t.

    Source: Schemper & Smith, Control Clin Trials 1996;17:343. Checked against the `reverse_km` blocks of aml.json,
    lung.json, veteran.json and ovarian.json.

    Examples
    --------
    >>> from app.analysis.conventions import CONVENTIONS
    >>> from app.analysis.observations import observe
    >>> found = follow_up(observe([1, 2, 4, 9], [True, False, True, False]), CONVENTIONS["r"], 0.95, "log")
    >>> found.median, found.mean, found.reverse_kaplan_meier.estimate
    (3.0, 4.0, 9.0)
    """
    reverse = kaplan_meier(observations.flipped(), confidence_level=confidence_level, confidence_type=confidence_type)
    return follow_ups([observations], [quantile(reverse, 0.5, convention, confidence_level)])[0]


def follow_ups(samples: Sequence[Observations], reverse: Sequence[Quantile]) -> list[FollowUp]:
    """Return the follow-up of each sample, as `follow_up` does, whose reverse Kaplan-Meier medians are known."""
    rows = Segments.of([sample.size for sample in samples])
    time = np.concatenate([sample.time for sample in samples])
    weights = np.concatenate([_rows_counted(sample) for sample in samples])
    means = rows.sums(weights * time) / rows.sums(weights)
    figures = (*_quartiles(time, weights, rows), means, time[rows.starts], time[rows.lasts])
    return [
        FollowUp(median, mean, minimum, maximum, lower_quartile, upper_quartile, of_reverse)
        for lower_quartile, median, upper_quartile, mean, minimum, maximum, of_reverse in zip(
            *(figure.tolist() for figure in figures), reverse, strict=True
        )
    ]


def _rows_counted(sample: Observations) -> FloatArray:
    """Return how many subjects each row stands for; with sampling weights, how much each subject counts."""
    return sample.weights * (sample.size / np.sum(sample.weights)) if sample.sampling else sample.weights


def _quartiles(time: FloatArray, weights: FloatArray, rows: Segments) -> FloatArray:
    """Return the quartiles of the sorted times of each sample, each standing for `weights` subjects; shape [3, s]."""
    cumulative = np.round(np.cumsum(weights), 9)  # scaled weights add up to whole numbers within rounding only
    before = np.concatenate(([0.0], cumulative[rows.lasts]))[:-1]
    place = (cumulative[rows.lasts] - before - 1) * np.array([[0.25], [0.5], [0.75]])
    below = np.floor(place)

    def at(rank: FloatArray) -> FloatArray:
        return time[np.minimum(np.searchsorted(cumulative, before + rank, side="right"), rows.lasts)]

    low = at(below)
    return np.asarray(low + (at(below + 1) - low) * (place - below))
