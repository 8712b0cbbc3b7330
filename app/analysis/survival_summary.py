"""A sample summarised whole: overall, by group, and the groups compared."""

from dataclasses import dataclass, replace

import numpy as np

from app.analysis.arrays import BoolArray, FloatArray
from app.analysis.comparison import Comparison, ComparisonOptions, compare_survival
from app.analysis.disclosure import Coarsened, coarsened
from app.analysis.errors import InvalidParameterError
from app.analysis.observations import Observations
from app.analysis.survival import SurvivalEstimate, SurvivalOptions, estimate_survival

SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class GroupEstimate:
    """The estimate of the group with a code; None where it is suppressed."""

    code: int
    estimate: SurvivalEstimate | None


@dataclass(frozen=True, slots=True)
class SurvivalSummary:
    """A sample summarised.

    Attributes
    ----------
    observations : what the estimates are made of; where all is suppressed, what they would have been made of
    subjects : how many were followed until the start or longer
    ended_before : how many were not
    overall : None where not even all subjects together can be shown
    groups : those with a subject, by code; none where the sample has no groups
    empty : codes of the groups without a subject
    comparison : None with fewer than two groups, or where one is suppressed
    min_cell_count : least number of subjects behind any count, None without disclosure control
    """

    observations: Observations
    subjects: int
    ended_before: int
    overall: SurvivalEstimate | None
    groups: list[GroupEstimate]
    empty: list[int]
    comparison: Comparison | None
    min_cell_count: int | None


def summarize_survival(
    observations: Observations,
    groups: int,
    options: SurvivalOptions,
    comparison: ComparisonOptions,
    *,
    start_time: float | None = None,
    min_cell_count: int | None = None,
) -> SurvivalSummary:
    """Estimate survival overall and by group, and compare the groups.

    Parameters
    ----------
    groups : number of groups, 0 without; `observations.group` holds codes below it
    start_time : estimates are those for subjects who are event-free just before it
    min_cell_count : least number of subjects behind any count, None for no disclosure control

    Raises
    ------
    InvalidParameterError
        If nobody is followed until `start_time`.

    Examples
    --------
    >>> from app.analysis.conventions import CONVENTIONS
    >>> from app.analysis.observations import observe
    >>> sample = observe([1, 2, 3, 4], [1, 1, 0, 1], group=[0, 1, 0, 1])
    >>> found = summarize_survival(sample, 2, SurvivalOptions(CONVENTIONS["r"]), ComparisonOptions(), start_time=2)
    >>> found.ended_before, found.overall.events, [group.estimate.subjects for group in found.groups]
    (1, 2.0, [1.0, 2.0])
    """
    followed = observations if start_time is None else observations.since(start_time)
    if followed.size == 0:
        raise InvalidParameterError("nobody is followed until start_time")
    present = np.unique(followed.groups).tolist() if groups else []
    if present:
        followed = replace(followed, group=np.searchsorted(present, followed.groups))
    shown = Coarsened(followed, frozenset())
    if min_cell_count is not None:
        shown = coarsened(followed, max(len(present), 1), min_cell_count)
    overall: SurvivalEstimate | None = None
    parts: list[SurvivalEstimate | None] = [None] * len(present)
    compared = None
    if shown.observations is not None:
        overall, *parts = _estimates(shown.observations, shown.hidden, len(present), options, min_cell_count)
        known = [part for part in parts if part is not None]
        if len(known) == len(parts) > 1:
            compared = compare_survival(shown.observations, known, options, comparison)
    subjects = _subjects(followed)
    return SurvivalSummary(
        shown.observations or followed,
        subjects,
        _subjects(observations) - subjects,
        overall,
        [GroupEstimate(*part) for part in zip(present, parts, strict=True)],
        sorted({*range(groups)} - {*present}),
        compared,
        min_cell_count,
    )


def _subjects(observations: Observations) -> int:
    return observations.size if observations.sampling else int(np.sum(observations.weights))


def _estimates(
    observations: Observations,
    hidden: frozenset[int],
    groups: int,
    options: SurvivalOptions,
    min_cell_count: int | None,
) -> list[SurvivalEstimate | None]:
    """Return the estimate of all subjects and of each group, None where it is hidden."""
    last = float(observations.time[-1])
    samples = [observations, *observations.split(groups)]
    found = [
        None if code in hidden else estimate_survival(sample, options, largest_time_of_all=last)
        for code, sample in enumerate(samples, start=-1)
    ]
    return [estimate and _without_small_counts(estimate, min_cell_count) for estimate in found]


def _without_small_counts(estimate: SurvivalEstimate, min_cell_count: int | None) -> SurvivalEstimate:
    """Return the estimate without numbers at risk that delayed entry makes small, between the runs of ends."""
    observations = estimate.curve.observations
    if min_cell_count is None or observations.entry is None:
        return estimate

    def is_small(at_risk: FloatArray) -> BoolArray:
        # How many of the clusters are at risk is not known here: no more than none is certain to be enough.
        least = min_cell_count if observations.cluster is None else np.inf
        return (at_risk > 0) & (at_risk < least)

    rates, table = estimate.rates, estimate.risk_table
    small = is_small(np.array([rate.at_risk for rate in rates]))
    rates = [
        replace(rate, at_risk=np.nan, reason=rate.reason or SUPPRESSED) if hides else rate
        for rate, hides in zip(rates, small, strict=True)
    ]
    if table is not None:
        table = replace(table, at_risk=np.where(is_small(table.at_risk), np.nan, table.at_risk))
    return replace(estimate, rates=rates, risk_table=table)
