"""Cumulative incidences of one sample whole: what the kernels give, put together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.analysis.cumulative_incidence import AalenJohansen, aalen_johansen
from app.analysis.gray import gray_tests
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.intervals import ConfidenceType
from app.analysis.landmarks import BEYOND_FOLLOW_UP, LandmarkRate, landmark_columns, landmark_rates
from app.analysis.observations import Observations
from app.analysis.quantiles import Quantile
from app.analysis.survival import SurvivalOptions, batches


@dataclass(frozen=True, slots=True)
class IncidenceRate:
    """Incidence of a cause at a time: `at_risk` just before it, `events` up to and including it; NaN where unknown."""

    time: float
    at_risk: float
    events: float
    cumulative_incidence: float
    standard_error: float
    lower: float
    upper: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class IncidenceSummary:
    """The estimate of each group, of all subjects where there are no groups, and Gray's test of each cause."""

    groups: list["IncidenceEstimate"]
    comparison: list[HypothesisTest] | None


@dataclass(frozen=True, slots=True)
class IncidenceEstimate:
    """Everything that is estimated of the causes of one sample; lists have one entry a cause."""

    curves: AalenJohansen
    medians: list[Quantile]
    rates: list[list[IncidenceRate]]
    event_free_rates: list[LandmarkRate]


def estimate_incidences(
    samples: Sequence[Observations], causes: int, options: SurvivalOptions, confidence_type: ConfidenceType
) -> list[IncidenceEstimate]:
    """Estimate for each sample the cumulative incidence of each cause, and the probability of no event.

    Beyond the last follow-up incidences are carried forward or do not exist, by the convention.

    Examples
    --------
    >>> from app.analysis.conventions import CONVENTIONS
    >>> from app.analysis.observations import observe
    >>> options = SurvivalOptions(CONVENTIONS["r"], landmarks=(2.5,))
    >>> (estimate,) = estimate_incidences([observe([1, 2, 3, 4], [1, 2, 0, 1])], 2, options, "log-log")
    >>> [rates[0].cumulative_incidence for rates in estimate.rates], estimate.event_free_rates[0].survival
    ([0.25, 0.25], 0.5)
    """
    estimates = []
    for part in batches(samples):
        joint = aalen_johansen(
            *part, causes=causes, confidence_level=options.confidence_level, confidence_type=confidence_type
        )
        curves = [joint.part(place) for place in range(len(part))]
        event_free = landmark_rates(
            [one.curve for one in curves],
            options.landmarks,
            confidence_level=options.confidence_level,
            confidence_type=confidence_type,
            carries_forward=options.convention.carries_forward,
        )
        figures = curves, joint.quantiles(0.5), _rates(joint, options.landmarks, event_free), event_free
        estimates += [IncidenceEstimate(*of_sample) for of_sample in zip(*figures, strict=True)]
    return estimates


def summarize_incidences(
    observations: Observations, groups: int, causes: int, options: SurvivalOptions, confidence_type: ConfidenceType
) -> IncidenceSummary:
    """Estimate cumulative incidences by group, and compare the groups.

    Parameters
    ----------
    groups : number of groups, each with a row; 0 without. `observations.group` holds codes below it

    Examples
    --------
    >>> from app.analysis.conventions import CONVENTIONS
    >>> from app.analysis.observations import observe
    >>> sample = observe([1, 3, 2, 4], [1, 1, 2, 1], group=[0, 0, 1, 1])
    >>> found = summarize_incidences(sample, 2, 2, SurvivalOptions(CONVENTIONS["r"]), "log-log")
    >>> [float(estimate.curves.incidence[0, -1]) for estimate in found.groups], len(found.comparison)
    ([1.0, 0.5], 2)
    """
    samples = observations.split(groups) if groups else [observations]
    comparison = None
    if groups > 1:
        comparison = gray_tests(observations, groups, range(1, causes + 1))
    return IncidenceSummary(estimate_incidences(samples, causes, options, confidence_type), comparison)


def _rates(
    curves: AalenJohansen, times: Sequence[float], event_free: list[list[LandmarkRate]]
) -> list[list[list[IncidenceRate]]]:
    """Return the incidences of each sample, for each cause, at each of the times."""
    found = curves.rates(times)
    unknown = [[[rate.reason == BEYOND_FOLLOW_UP for rate in of_sample]] for of_sample in event_free]
    columns = landmark_columns(
        np.broadcast_to(np.array(unknown, dtype=bool), found.events.shape).ravel(),
        *(figures.ravel() for figures in (found.incidence, found.standard_error, found.lower, found.upper)),
    )
    rows = zip(found.events.ravel().tolist(), *columns, strict=True)
    return [
        [[IncidenceRate(free.time, free.at_risk, *next(rows)) for free in of_sample] for _ in range(len(curves.events))]
        for of_sample in event_free
    ]
