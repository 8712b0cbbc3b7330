"""A survival estimate whole, and the comparison of groups: what the kernels give, put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from app.analysis.arrays import BoolArray, FloatArray
from app.analysis.conventions import Convention
from app.analysis.follow_up import FollowUp, follow_up
from app.analysis.hazard_ratios import HazardRatio, group_hazard_ratios, robust_score_test
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.intervals import ConfidenceType, probability_interval
from app.analysis.kaplan_meier import KaplanMeier, kaplan_meier
from app.analysis.logrank import logrank_test
from app.analysis.observations import Observations, tied_to
from app.analysis.quantiles import Quantile, quantile
from app.analysis.restricted_mean import (
    RestrictedMean,
    RestrictedMeanDifference,
    compare_restricted_means,
    restricted_mean,
)
from app.analysis.risk_table import count_at_risk

SurvivalTest = Literal["log-rank"]

BEYOND_FOLLOW_UP = "beyond the last follow-up, where it is not known"


@dataclass(frozen=True, slots=True)
class SurvivalOptions:
    """How survival is estimated: the convention of a package, and what overrides it."""

    convention: Convention
    confidence_level: float = 0.95
    confidence_type: ConfidenceType | None = None
    quantiles: Sequence[float] = (0.25, 0.5, 0.75)
    landmarks: Sequence[float] = ()
    tests: Sequence[SurvivalTest] = ("log-rank",)

    @property
    def interval(self) -> ConfidenceType:
        """Return the interval type of S(t): the one asked for, or the convention's."""
        return self.confidence_type or self.convention.confidence_type

    @property
    def normal_quantile(self) -> float:
        """Return z of symmetric intervals."""
        return self.convention.normal_quantile(self.confidence_level)


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


@dataclass(frozen=True, slots=True)
class PairDifference:
    """Restricted means of two groups, by their codes, compared up to `horizon`."""

    first: int
    second: int
    horizon: float
    compared: RestrictedMeanDifference


@dataclass(frozen=True, slots=True)
class Comparison:
    """Groups compared: tests of equal hazards, differences of restricted means, hazard ratios."""

    tests: list[HypothesisTest]
    restricted_mean_differences: list[PairDifference]
    hazard_ratios: list[HazardRatio]


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
    curve = kaplan_meier(of_interest, confidence_level=options.confidence_level, confidence_type=options.interval)
    entered = 0.0 if observations.entry is None else observations.entry
    quantiles = {
        probability: quantile(curve, probability, options.convention, options.confidence_level)
        for probability in (0.5, *options.quantiles)
    }
    return SurvivalEstimate(
        float(np.sum(observations.weights)),
        float(np.sum(curve.table.events)),
        float(np.sum(curve.table.censored)),
        float(np.sum(observations.weights * (observations.time - entered))),
        curve,
        quantiles[0.5],
        [quantiles[probability] for probability in options.quantiles],
        _mean(curve, _horizon(curve, options.convention, largest_time_of_all), options),
        landmark_rates(curve, options.landmarks, options.interval, options),
        follow_up(observations, options.convention, options.confidence_level, options.interval),
    )


def compare_survival(
    observations: Observations,
    estimates: Sequence[SurvivalEstimate],
    options: SurvivalOptions,
    *,
    cause: int | None = None,
) -> Comparison:
    """Compare groups whose estimates, for the same `cause`, are given in the order of their codes.

    Where rows share clusters, the log-rank test takes them as independent, and the score test of a Cox model with
    the variance of Lin & Wei stands beside it. Restricted means are compared up to the shortest of the groups'
    largest follow-up times, where every curve is known (Royston & Parmar 2013).
    """
    groups = len(estimates)
    of_interest = observations if cause is None else observations.only_cause(cause)
    tests = [logrank_test(of_interest, groups)] if "log-rank" in options.tests else []
    if of_interest.cluster is not None:
        tests.append(robust_score_test(of_interest, groups))
    horizon = min(float(estimate.curve.time[-1]) for estimate in estimates)
    differences = []
    if horizon > 0:
        means = [_mean(estimate.curve, horizon, options) for estimate in estimates]
        differences = [
            PairDifference(
                first, second, horizon, compare_restricted_means(means[first], means[second], options.normal_quantile)
            )
            for first, second in combinations(range(groups), 2)
        ]
    ratios = group_hazard_ratios(
        of_interest, groups, ties=options.convention.ties, confidence_level=options.confidence_level
    )
    return Comparison(tests, differences, ratios)


def landmark_rates(
    curve: KaplanMeier, times: Sequence[float], confidence_type: ConfidenceType, options: SurvivalOptions
) -> list[LandmarkRate]:
    """Return survival at each of `times`, with limits of type `confidence_type`.

    Before the first follow-up time S and its limits are 1. Beyond the last S is carried forward or does not exist, by
    the convention; where it is 0 it stays 0.
    """
    asked = np.asarray(times, dtype=np.float64)
    at = tied_to(curve.time, asked)
    place = curve.at(at) + 1
    survival, standard_error = curve.survival_at(at), np.concatenate(([0.0], curve.standard_error))[place]
    limits = probability_interval(survival, standard_error, options.confidence_level, confidence_type)
    lower, upper = (np.where(place == 0, 1.0, limit) for limit in limits)
    at_risk = count_at_risk(curve.observations, at)
    events = np.concatenate(([0.0], np.cumsum(curve.table.events)))[place]
    unknown = (at > curve.time[-1]) & (survival > 0) & (not options.convention.carries_forward)
    columns = landmark_columns(unknown, survival, standard_error, lower, upper)
    return [LandmarkRate(*row) for row in zip(asked.tolist(), at_risk.tolist(), events.tolist(), *columns, strict=True)]


def landmark_columns(
    unknown: BoolArray, estimate: FloatArray, standard_error: FloatArray, lower: FloatArray, upper: FloatArray
) -> list[list[Any]]:
    """Return the figures at landmarks as lists, NaN where `unknown`, and last the reasons for what does not exist."""
    reasons = [
        BEYOND_FOLLOW_UP if hidden else None if defined else f"no interval at {value:g}"
        for hidden, defined, value in zip(unknown, np.isfinite(lower), estimate, strict=True)
    ]
    figures = np.where(unknown, np.nan, (estimate, standard_error, lower, upper))
    return [*figures.tolist(), reasons]


def _horizon(curve: KaplanMeier, convention: Convention, largest_time_of_all: float | None) -> float:
    largest = float(curve.time[-1])
    if convention.horizon == "largest-time-of-all":
        return max(largest, largest_time_of_all or 0.0)
    if convention.horizon == "largest-event-time":
        return float(np.max(curve.time[curve.table.events > 0], initial=0.0))
    return largest


def _mean(curve: KaplanMeier, horizon: float, options: SurvivalOptions) -> RestrictedMean:
    if horizon == 0:
        return RestrictedMean(horizon, np.nan, np.nan, np.nan, np.nan, "the horizon is 0")
    return restricted_mean(
        curve,
        horizon,
        options.normal_quantile,
        corrects_variance=options.convention.corrects_mean_variance,
        carries_forward=options.convention.carries_forward,
    )
