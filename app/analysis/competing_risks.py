"""Cumulative incidences of one sample whole: what the kernels give, put together."""

from dataclasses import dataclass

import numpy as np

from app.analysis.cumulative_incidence import AalenJohansen, aalen_johansen
from app.analysis.gray import gray_test
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.intervals import ConfidenceType
from app.analysis.landmarks import BEYOND_FOLLOW_UP, LandmarkRate, landmark_columns, landmark_rates
from app.analysis.observations import Observations
from app.analysis.quantiles import Quantile
from app.analysis.survival import SurvivalOptions


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
    observations: Observations, causes: int, options: SurvivalOptions, confidence_type: ConfidenceType
) -> IncidenceEstimate:
    """Estimate the cumulative incidence of each cause, and the probability of no event.

    Beyond the last follow-up incidences are carried forward or do not exist, by the convention.

    Examples
    --------
    >>> from app.analysis.conventions import CONVENTIONS
    >>> from app.analysis.observations import observe
    >>> options = SurvivalOptions(CONVENTIONS["r"], landmarks=(2.5,))
    >>> estimate = estimate_incidences(observe([1, 2, 3, 4], [1, 2, 0, 1]), 2, options, "log-log")
    >>> [rates[0].cumulative_incidence for rates in estimate.rates], estimate.event_free_rates[0].survival
    ([0.25, 0.25], 0.5)
    """
    curves = aalen_johansen(
        observations, causes, confidence_level=options.confidence_level, confidence_type=confidence_type
    )
    (event_free,) = landmark_rates(
        [curves.curve],
        options.landmarks,
        confidence_level=options.confidence_level,
        confidence_type=confidence_type,
        carries_forward=options.convention.carries_forward,
    )
    return IncidenceEstimate(curves, curves.quantiles(0.5), _rates(curves, event_free), event_free)


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
        comparison = [gray_test(observations, groups, cause) for cause in range(1, causes + 1)]
    return IncidenceSummary(
        [estimate_incidences(sample, causes, options, confidence_type) for sample in samples], comparison
    )


def _rates(curves: AalenJohansen, event_free: list[LandmarkRate]) -> list[list[IncidenceRate]]:
    times = np.array([rate.time for rate in event_free])
    found = curves.rates(curves.curve.observations.tied(times))
    unknown = np.array([rate.reason == BEYOND_FOLLOW_UP for rate in event_free], dtype=bool)
    return [
        [
            IncidenceRate(*row)
            for row in zip(
                times.tolist(),
                found.at_risk.tolist(),
                events.tolist(),
                *landmark_columns(unknown, *estimates),
                strict=True,
            )
        ]
        for events, *estimates in zip(
            found.events, found.incidence, found.standard_error, found.lower, found.upper, strict=True
        )
    ]
