"""How long the subjects were followed."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Convention
from app.analysis.intervals import ConfidenceType
from app.analysis.kaplan_meier import kaplan_meier
from app.analysis.observations import Observations
from app.analysis.quantiles import Quantile, quantile


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
    time, weights = observations.time, observations.weights
    if observations.sampling:  # rows are subjects: their weights only say how much each counts
        weights = weights * (observations.size / np.sum(weights))
    reverse = kaplan_meier(observations.flipped(), confidence_level=confidence_level, confidence_type=confidence_type)
    lower_quartile, median, upper_quartile = _order_statistics(time, weights, np.array([0.25, 0.5, 0.75]))
    return FollowUp(
        float(median),
        float(np.sum(weights * time) / np.sum(weights)),
        float(time[0]),
        float(time[-1]),
        float(lower_quartile),
        float(upper_quartile),
        quantile(reverse, 0.5, convention, confidence_level),
    )


def _order_statistics(time: FloatArray, weights: FloatArray, probabilities: FloatArray) -> FloatArray:
    """Return the quantiles of sorted times, each standing for `weights` subjects."""
    cumulative = np.round(np.cumsum(weights), 9)  # scaled weights add up to whole numbers within rounding only
    place = (cumulative[-1] - 1) * probabilities
    below = np.floor(place)
    last = time.size - 1
    low = time[np.minimum(np.searchsorted(cumulative, below, side="right"), last)]
    high = time[np.minimum(np.searchsorted(cumulative, below + 1, side="right"), last)]
    return np.asarray(low + (high - low) * (place - below))
