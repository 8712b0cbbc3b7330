"""A sample summarised whole: overall, by group, and the groups compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.analysis.comparison import Comparison, ComparisonOptions, SurvivalTest, Trend, compare_survival
from app.analysis.disclosure import Coarsened, coarsened
from app.analysis.errors import InvalidParameterError
from app.analysis.observations import Observations
from app.analysis.survival import SurvivalEstimate, SurvivalOptions, estimate_samples

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
    persons : how many clusters, or without these subjects, were and were not
    overall : None where not even all subjects together can be shown
    groups : those with a subject, by code; none where the sample has no groups
    empty : codes of the groups without a subject
    comparison : None with fewer than two groups, or where one is suppressed
    min_cell_count : least number of subjects behind any count, None without disclosure control
    horizon : that was asked for, None where the convention chose
    """

    observations: Observations
    subjects: int
    ended_before: int
    persons: tuple[int, int]
    overall: SurvivalEstimate | None
    groups: list[GroupEstimate]
    empty: list[int]
    comparison: Comparison | None
    min_cell_count: int | None
    horizon: float | None = None


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
    present = np.flatnonzero(np.bincount(followed.groups)).tolist() if groups else []
    if len(present) < groups:
        followed = replace(followed, group=np.searchsorted(present, followed.groups))
    shown = Coarsened(followed, frozenset())
    if min_cell_count is not None:
        shown = coarsened(followed, max(len(present), 1), min_cell_count)
    overall: SurvivalEstimate | None = None
    parts: list[SurvivalEstimate | None] = [None] * len(present)
    compared = None
    if shown.observations is not None:
        overall, *parts = _estimates(shown.observations, shown.hidden, len(present), options)
        known = [part for part in parts if part is not None]
        if len(known) == len(parts) > 1:
            compared = compare_survival(shown.observations, known, options, _of_groups(present, groups, comparison))
    return SurvivalSummary(
        shown.observations or followed,
        followed.subjects,
        observations.subjects - followed.subjects,
        (followed.persons, observations.persons - followed.persons),
        overall,
        [GroupEstimate(*part) for part in zip(present, parts, strict=True)],
        sorted({*range(groups)} - {*present}),
        compared,
        min_cell_count,
        options.horizon,
    )


def _of_groups(codes: Sequence[int], groups: int, comparison: ComparisonOptions) -> ComparisonOptions:
    """Return the options for the groups with these codes, each with the score that it has among all."""

    def chosen(test: SurvivalTest) -> SurvivalTest:
        if not isinstance(test, Trend) or test.scores is None:
            return test
        if len(test.scores) != groups:
            raise InvalidParameterError("a trend has as many scores as there are groups")
        return Trend([test.scores[code] for code in codes])

    return replace(comparison, tests=tuple(map(chosen, comparison.tests)))


def _estimates(
    observations: Observations,
    hidden: frozenset[int],
    groups: int,
    options: SurvivalOptions,
) -> list[SurvivalEstimate | None]:
    """Return the estimate of all subjects and of each group, None where it is hidden."""
    samples = [observations, *observations.split(groups)]
    shown = [code for code in range(-1, groups) if code not in hidden]
    last = [float(observations.time[-1])] * len(shown)
    estimates = estimate_samples([samples[code + 1] for code in shown], options, largest_times_of_all=last)
    of_code = dict(zip(shown, estimates, strict=True))
    return [of_code.get(code) for code in range(-1, groups)]
