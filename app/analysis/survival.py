"""A survival estimate whole: what the kernels give, put together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Convention
from app.analysis.follow_up import FollowUp, follow_ups
from app.analysis.intervals import ConfidenceType
from app.analysis.kaplan_meier import KaplanMeier, kaplan_meier
from app.analysis.landmarks import LandmarkRate, Tally, landmark_rates, tally
from app.analysis.observations import Observations
from app.analysis.quantiles import Quantile, quantiles
from app.analysis.restricted_mean import RestrictedMean, restricted_means
from app.analysis.segments import Segments

#: Rows that are worked on at once: more of them cost more in memory than the calls that they save.
TOGETHER = 50_000


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
    """Estimate the survival of one sample, as `estimate_samples` does.

    Examples
    --------
    >>> from app.analysis.conventions import CONVENTIONS
    >>> from app.analysis.observations import observe
    >>> estimate = estimate_survival(observe([2, 4, 6, 9], [1, 0, 1, 1]), SurvivalOptions(CONVENTIONS["r"]))
    >>> estimate.events, estimate.person_time, estimate.median.estimate, estimate.restricted_mean.estimate
    (3.0, 21.0, 6.0, 6.125)
    """
    largest = None if largest_time_of_all is None else [largest_time_of_all]
    return estimate_samples([observations], options, cause=cause, largest_times_of_all=largest)[0]


def estimate_samples(
    samples: Sequence[Observations],
    options: SurvivalOptions,
    *,
    cause: int | None = None,
    largest_times_of_all: Sequence[float] | None = None,
) -> list[SurvivalEstimate]:
    """Estimate the survival of samples, each by itself.

    Parameters
    ----------
    cause : the cause whose events count, those of others being censorings; None takes all causes together. Follow-up
        ends by censoring alone: in its reverse Kaplan-Meier curve the events of every cause are censorings.
    largest_times_of_all : for each sample the largest follow-up time over all groups where it is one of them, for the
        conventions whose mean runs to it
    """
    of_interest = samples if cause is None else [sample.only_cause(cause) for sample in samples]
    found = _curves([*of_interest, *(sample.flipped() for sample in samples)], options)
    curves, of_curves = [], []
    for joint, place, of_curve in islice(found, len(samples)):
        curves.append(joint.part(place))
        of_curves.append({one.probability: one for one in of_curve})
    reverse = [next(of_curve) for _, _, of_curve in found]
    horizons = [
        options.horizon or _horizon(curve, options.convention, largest)
        for curve, largest in zip(curves, largest_times_of_all or [0.0] * len(curves), strict=True)
    ]
    return [
        SurvivalEstimate(
            subjects,
            float(curve.table.events.sum()),
            float(curve.table.censored.sum()),
            person_time,
            curve,
            of_curve[0.5],
            [of_curve[probability] for probability in options.quantiles],
            mean,
            rates,
            followed,
            None if options.risk_table_times is None else tally(curve.observations, options.risk_table_times),
        )
        for subjects, person_time, curve, of_curve, mean, rates, followed in zip(
            *_totals(samples),
            curves,
            of_curves,
            means_until(horizons, curves, options),
            landmark_rates(
                curves,
                options.landmarks,
                confidence_level=options.confidence_level,
                confidence_type=options.interval,
                carries_forward=options.convention.carries_forward,
            ),
            follow_ups(samples, reverse),
            strict=True,
        )
    ]


def _curves(
    samples: Sequence[Observations], options: SurvivalOptions
) -> Iterator[tuple[KaplanMeier, int, Iterator[Quantile]]]:
    """Yield for each sample where its curve is, and its quantiles, the median first."""
    probabilities = tuple(dict.fromkeys((0.5, *options.quantiles)))
    for part in batches(samples):
        curves = kaplan_meier(*part, confidence_level=options.confidence_level, confidence_type=options.interval)
        found = quantiles(curves, probabilities, options.convention, options.confidence_level)
        for place, of_curve in enumerate(found):
            yield curves, place, of_curve


def batches(samples: Sequence[Observations]) -> list[Sequence[Observations]]:
    """Return the samples that are worked on together: small ones all, large ones each alone."""
    small = sum(sample.size for sample in samples) <= TOGETHER
    return [samples] if small else [[sample] for sample in samples]


def means_until(
    horizons: Sequence[float], curves: Sequence[KaplanMeier], options: SurvivalOptions
) -> list[RestrictedMean]:
    """Return the restricted mean of each curve up to its horizon, by the convention."""
    return restricted_means(
        curves,
        horizons,
        options.normal_quantile,
        corrects_variance=options.convention.corrects_mean_variance,
        carries_forward=options.convention.carries_forward,
    )


def _totals(samples: Sequence[Observations]) -> tuple[list[float], list[float]]:
    """Return the subjects of each sample, and their time at risk."""
    rows = Segments.of([sample.size for sample in samples])
    weights = np.concatenate([sample.weights for sample in samples])
    followed = np.concatenate([sample.time - _begun(sample) for sample in samples])
    return rows.sums(weights).tolist(), rows.sums(weights * followed).tolist()


def _begun(sample: Observations) -> FloatArray | float:
    return sample.start if sample.entry is None else np.maximum(sample.entry, sample.start)


def _horizon(curve: KaplanMeier, convention: Convention, largest_time_of_all: float) -> float:
    largest = float(curve.time[-1])
    if convention.horizon == "largest-time-of-all":
        return max(largest, largest_time_of_all)
    if convention.horizon == "largest-event-time":
        return float(np.max(curve.time[curve.table.events > 0], initial=curve.observations.start))
    return largest
