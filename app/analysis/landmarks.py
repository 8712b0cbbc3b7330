"""Survival at given times, and the numbers under the time axis of a figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.analysis.arrays import BoolArray, FloatArray
from app.analysis.influence import SINGLE_CLUSTER
from app.analysis.intervals import ConfidenceType, probability_interval
from app.analysis.kaplan_meier import KaplanMeier
from app.analysis.observations import Observations
from app.analysis.risk_table import count_at_risk, none_or_more

BEYOND_FOLLOW_UP = "beyond the last follow-up, where it is not known"


@dataclass(frozen=True, slots=True)
class LandmarkRate:
    """Survival at a time: `at_risk` just before it, `events` up to and including it; NaN where not known."""

    time: float
    at_risk: float
    events: float
    survival: float
    standard_error: float
    lower: float
    upper: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What has become of the subjects up to and including each time; the three counts add up, shape [m].

    Attributes
    ----------
    at_risk : whose follow-up has begun and goes on
    events, censored : whose follow-up has ended
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray


def landmark_rates(
    curves: Sequence[KaplanMeier],
    times: Sequence[float],
    *,
    confidence_level: float,
    confidence_type: ConfidenceType,
    carries_forward: bool,
) -> list[list[LandmarkRate]]:
    """Return survival by each curve, of a single sample each, at each of `times`.

    Before the first follow-up time S and its limits are 1. Beyond the last S is carried forward or does not exist;
    where it is 0 it stays 0.

    Examples
    --------
    >>> from app.analysis.kaplan_meier import kaplan_meier
    >>> from app.analysis.observations import observe
    >>> curve = kaplan_meier(observe([2, 4], [True, False]))
    >>> options = {"confidence_level": 0.95, "confidence_type": "log"}
    >>> [rate.survival for rate in landmark_rates([curve], [1, 2, 5], **options, carries_forward=False)[0]]
    [1.0, 0.5, nan]
    """
    if not times:
        return [[] for _ in curves]
    asked = np.asarray(times, dtype=np.float64)
    found = np.array([_figures_at(curve, asked) for curve in curves]).swapaxes(0, 1)
    at_risk, events, survival, standard_error, before, beyond = found
    limits = probability_interval(survival, standard_error, confidence_level, confidence_type)
    lower, upper = (np.where(before, 1.0, limit) for limit in limits)
    unknown = (beyond > 0) & (survival > 0) & (not carries_forward)
    figures = (unknown, survival, standard_error, lower, upper)
    return [
        [
            LandmarkRate(*row)
            for row in zip(asked.tolist(), at_risk_then, events_then, *landmark_columns(*of_curve), strict=True)
        ]
        for at_risk_then, events_then, *of_curve in zip(at_risk.tolist(), events.tolist(), *figures, strict=True)
    ]


def _figures_at(curve: KaplanMeier, times: FloatArray) -> list[FloatArray | BoolArray]:
    """Return at risk just before the times, events up to them, S, its error, and if they are before or beyond all."""
    at = curve.observations.tied(times)
    place = curve.at(at) + 1
    return [
        count_at_risk(curve.observations, at),
        np.concatenate(([0.0], np.cumsum(curve.table.events)))[place],
        curve.survival_at(at),
        np.concatenate(([0.0], curve.standard_error))[place],
        place == 0,
        at > curve.time[-1],
    ]


def landmark_columns(
    unknown: BoolArray, estimate: FloatArray, standard_error: FloatArray, lower: FloatArray, upper: FloatArray
) -> list[list[Any]]:
    """Return the figures at landmarks as lists, NaN where `unknown`, and last the reasons for what does not exist."""
    columns = (
        unknown,
        np.isfinite(lower),
        np.isnan(standard_error) & (estimate > 0) & (estimate < 1),
        estimate,
    )
    reasons = [
        BEYOND_FOLLOW_UP if hidden else None if defined else SINGLE_CLUSTER if single else f"no interval at {value:g}"
        for hidden, defined, single, value in zip(*(column.tolist() for column in columns), strict=True)
    ]
    figures = np.where(unknown, np.nan, (estimate, standard_error, lower, upper))
    return [*figures.tolist(), reasons]


def tally(observations: Observations, times: Sequence[float]) -> Tally:
    """Count who is still followed, who had the event and who was censored, up to and including each of `times`.

    A subject counts from its entry on: at_risk + events + censored is the number of subjects that have entered by
    then, all of them where nobody enters late.

    Source: Morris et al., BMJ Open 2019;9:e030215 (KMunicate).

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> counts = tally(observe([1, 2, 2, 3], [True, True, False, False]), [0, 2])
    >>> counts.at_risk, counts.events, counts.censored
    (array([4., 1.]), array([0., 2.]), array([0., 1.]))
    """
    asked = np.asarray(times, dtype=np.float64)
    at = observations.tied(asked)
    weights, event = observations.weights, observations.event
    entry = np.full(observations.size, -1.0) if observations.entry is None else observations.entry
    order = np.argsort(entry, kind="stable")

    def at_risk(weights: FloatArray) -> FloatArray:
        return _up_to(entry[order], weights[order], at) - _up_to(observations.time, weights, at)

    events, censored = (_up_to(observations.time, weights * kind, at) for kind in (event, ~event))
    return Tally(asked, none_or_more(at_risk, weights), events, censored)


def _up_to(time: FloatArray, counts: FloatArray, at: FloatArray) -> FloatArray:
    """Return the sum of the counts whose ascending times are not above each of `at`."""
    return np.concatenate(([0.0], np.cumsum(counts)))[np.searchsorted(time, at, side="right")]
