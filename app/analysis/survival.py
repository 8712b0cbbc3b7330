"""A survival estimate whole: what the kernels give, put together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.analysis.conventions import Convention
from app.analysis.follow_up import FollowUp, follow_up
from app.analysis.intervals import ConfidenceType
from app.analysis.kaplan_meier import KaplanMeier, kaplan_meier
from app.analysis.landmarks import LandmarkRate, Tally, landmark_rates, tally
from app.analysis.observations import Observations
from app.analysis.quantiles import Quantile, quantile
from app.analysis.restricted_mean import RestrictedMean, restricted_mean


@dataclass(frozen=True, slots=True)
class SurvivalOptions:
    """How survival is estimated: the convention of a package, and what overrides it.

    `horizon` of the restricted mean and `risk_table_times` are None where not asked for.
    """

    convention: Convention
    confidence_level: float = 0.95
    confidence_type: ConfidenceType | None = None
    quantiles: Sequence[float] = (0.25, 0.5, 0.75)
    landmarks: Sequence[float] = ()
    horizon: float | None = None
    risk_table_times: Sequence[float] | None = None

    @property
    def interval(self) -> ConfidenceType:
        """Return the interval type of S(t): the one asked for, or the convention's."""
        return self.confidence_type or self.convention.confidence_type

    @property
    def normal_quantile(self) -> float:
        """Return z of symmetric intervals."""
        return self.convention.normal_quantile(self.confidence_level)


@dataclass(frozen=True, slots=True)
class SurvivalEstimate:
    """Everything that is estimated of one sample; counts are sums of weights."""

    subjects: float
    events: float
    censored: float
    person_time: float
    curve: KaplanMeier
    median: Quantile
    quantiles: list[Quantile]
    restricted_mean: RestrictedMean
    rates: list[LandmarkRate]
    follow_up: FollowUp
    risk_table: Tally | None


def estimate_survival(
    observations: Observations,
    options: SurvivalOptions,
    *,
    cause: int | None = None,
    largest_time_of_all: float | None = None,
) -> SurvivalEstimate:
    """Estimate the survival of one sample.

    Parameters
    ----------
    cause : the cause whose events count, those of others being censorings; None takes all causes together. Follow-up
        ends by censoring alone: in its reverse Kaplan-Meier curve the events of every cause are censorings.
    largest_time_of_all : the largest follow-up time over all groups where the sample is one of them, for the
        conventions whose mean runs to it

    Examples
    --------
    >>> from app.analysis.conventions import CONVENTIONS
    >>> from app.analysis.observations import observe
    >>> estimate = estimate_survival(observe([2, 4, 6, 9], [1, 0, 1, 1]), SurvivalOptions(CONVENTIONS["r"]))
    >>> estimate.events, estimate.person_time, estimate.median.estimate, estimate.restricted_mean.estimate
    (3.0, 21.0, 6.0, 6.125)
    """
    of_interest = observations if cause is None else observations.only_cause(cause)
    convention, level = options.convention, options.confidence_level
    curve = kaplan_meier(of_interest, confidence_level=level, confidence_type=options.interval)
    quantiles = {
        probability: quantile(curve, probability, convention, level) for probability in (0.5, *options.quantiles)
    }
    rates = landmark_rates(
        curve,
        options.landmarks,
        confidence_level=level,
        confidence_type=options.interval,
        carries_forward=convention.carries_forward,
    )
    return SurvivalEstimate(
        float(np.sum(observations.weights)),
        float(np.sum(curve.table.events)),
        float(np.sum(curve.table.censored)),
        _person_time(observations),
        curve,
        quantiles[0.5],
        [quantiles[probability] for probability in options.quantiles],
        mean_until(options.horizon or _horizon(curve, convention, largest_time_of_all), curve, options),
        rates,
        follow_up(observations, convention, level, options.interval),
        None if options.risk_table_times is None else tally(of_interest, options.risk_table_times),
    )


def mean_until(horizon: float, curve: KaplanMeier, options: SurvivalOptions) -> RestrictedMean:
    """Return the restricted mean up to a horizon, NaN with the reason where that is not after the sample's start."""
    if horizon <= curve.observations.start:
        reason = f"the horizon, {horizon:.15g}, is not after the start"
        return RestrictedMean(horizon, np.nan, np.nan, np.nan, np.nan, reason)
    return restricted_mean(
        curve,
        horizon,
        options.normal_quantile,
        corrects_variance=options.convention.corrects_mean_variance,
        carries_forward=options.convention.carries_forward,
    )


def _person_time(observations: Observations) -> float:
    entry = 0.0 if observations.entry is None else observations.entry
    begun = np.maximum(entry, observations.start)
    return float(np.sum(observations.weights * (observations.time - begun)))


def _horizon(curve: KaplanMeier, convention: Convention, largest_time_of_all: float | None) -> float:
    largest = float(curve.time[-1])
    if convention.horizon == "largest-time-of-all":
        return max(largest, largest_time_of_all or 0.0)
    if convention.horizon == "largest-event-time":
        return float(np.max(curve.time[curve.table.events > 0], initial=curve.observations.start))
    return largest
