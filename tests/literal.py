"""Slow literal implementations: loops over subjects straight from the definitions, in exact fractions."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import pairwise
from math import inf
from typing import NamedTuple

from app.analysis.observations import Observations


class Subject(NamedTuple):
    """One row of a sample: at risk at t when entry < t <= time."""

    time: float
    cause: int
    entry: float
    weight: Fraction
    group: int
    cluster: int


Sample = list[Subject]
Estimate = Callable[[Sample, float], Fraction]


def subjects(observations: Observations) -> Sample:
    """Return the rows of a sample; each is a cluster of its own where the sample has no clusters."""
    return [
        Subject(
            float(observations.time[row]),
            int(observations.cause[row]),
            -inf if observations.entry is None else float(observations.entry[row]),
            Fraction(1) if observations.weight is None else Fraction(float(observations.weight[row])),
            0 if observations.group is None else int(observations.group[row]),
            row if observations.cluster is None else int(observations.cluster[row]),
        )
        for row in range(observations.size)
    ]


def merged(values: Iterable[float]) -> dict[float, float]:
    """Return for each value the first of those that it ties with: the steps between them are all too small."""
    distinct = sorted(set(values))
    tolerance = 2.0**-26 * max(1.0, sum(distinct) / len(distinct))
    first = {distinct[0]: distinct[0]}
    for previous, value in pairwise(distinct):
        first[value] = first[previous] if value - previous <= tolerance else value
    return first


def risk_set(sample: Sample, time: float) -> Sample:
    """Return the subjects who are at risk at `time`."""
    return [subject for subject in sample if subject.entry < time <= subject.time]


def failures(sample: Sample, time: float) -> Sample:
    """Return the subjects who have an event, of whichever cause, at `time`."""
    return [subject for subject in sample if subject.time == time and subject.cause > 0]


def count(sample: Sample) -> Fraction:
    """Return how many subjects the rows stand for."""
    return sum((subject.weight for subject in sample), Fraction(0))


def failure_counts(sample: Sample, until: float) -> list[tuple[Fraction, Fraction]]:
    """Return the events and the subjects at risk at each event time up to and including `until`."""
    times = sorted({subject.time for subject in sample if subject.cause > 0 and subject.time <= until})
    return [(count(failures(sample, time)), count(risk_set(sample, time))) for time in times]


def survival(sample: Sample, time: float) -> Fraction:
    """Return the Kaplan-Meier estimate of S(t)."""
    product = Fraction(1)
    for d, n in failure_counts(sample, time):
        product *= (n - d) / n
    return product


def greenwood(sample: Sample, time: float) -> Fraction:
    """Return Greenwood's variance of S(t); 0 where S(t) = 0."""
    relative = sum((d / (n * (n - d)) for d, n in failure_counts(sample, time) if d < n), Fraction(0))
    return survival(sample, time) ** 2 * relative


def cumulative_hazard(sample: Sample, time: float) -> Fraction:
    """Return the Nelson-Aalen estimate of H(t)."""
    return sum((d / n for d, n in failure_counts(sample, time)), Fraction(0))


def cumulative_hazard_variance(sample: Sample, time: float) -> Fraction:
    """Return Aalen's variance of H(t)."""
    return sum((d / n**2 for d, n in failure_counts(sample, time)), Fraction(0))


def jackknife_variance(estimate: Estimate, sample: Sample, time: float) -> Fraction:
    """Return the sum over clusters of the squared derivative of an estimate by log weight of the cluster."""
    step = Fraction(1, 10**8)

    def reweighted(cluster: int, factor: Fraction) -> Fraction:
        rows = [row._replace(weight=row.weight * factor) if row.cluster == cluster else row for row in sample]
        return estimate(rows, time)

    return sum(
        (
            ((reweighted(cluster, 1 + step) - reweighted(cluster, 1 - step)) / (2 * step)) ** 2
            for cluster in {row.cluster for row in sample}
        ),
        Fraction(0),
    )


def along(estimate: Estimate, sample: Sample, times: Iterable[float]) -> list[float]:
    """Return an estimate at each of `times`, as floats."""
    return [float(estimate(sample, time)) for time in times]
