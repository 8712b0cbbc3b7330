"""The figure of an end point in a report: Kaplan-Meier, or cumulative incidence where events compete."""

from collections.abc import Sequence

from app.analysis.competing_risks import IncidenceSummary
from app.analysis.survival_summary import GroupEstimate, SurvivalSummary
from app.cohort.endpoints import Endpoint
from app.cohort.outcomes import EndpointGrouping, Outcomes, Sample
from app.rendering.cells import capitalized
from app.rendering.document import Block, Paragraph, Picture
from app.rendering.figure import Figure, FigureOptions
from app.rendering.incidence_figure import incidence_figure
from app.rendering.marks import COLOURS
from app.rendering.survival_figure import survival_figure
from app.rendering.words import counted

WIDTH = 680
"""Of figures, in px: that of the text on A4, so that words in them print as large as they are drawn."""

MOST_GROUPS = len(COLOURS)
"""Curves of more groups cannot be told apart, and have no figure."""


def figure_of_all(endpoint: Endpoint, overall: Sample, outcomes: Outcomes) -> Picture:
    """Return the figure of all units."""
    return _picture(endpoint, [overall], overall, None, outcomes)


def figure_by_group(endpoint: Endpoint, overall: Sample, grouping: EndpointGrouping, outcomes: Outcomes) -> Block:
    """Return the figure of the groups of a grouping that has some, or why there is none."""
    if len(grouping.groups) > MOST_GROUPS:
        return Paragraph(f"There is no figure: the curves of more than {MOST_GROUPS} groups cannot be told apart.")
    return _picture(endpoint, grouping.groups, overall, grouping, outcomes)


def _picture(
    endpoint: Endpoint,
    samples: Sequence[Sample],
    overall: Sample,
    grouping: EndpointGrouping | None,
    outcomes: Outcomes,
) -> Picture:
    subjects = counted(sum(sample.survival.subjects for sample in samples), endpoint.unit)
    what = endpoint.in_words + (f" by {grouping.name}" if grouping else "")
    if endpoint.has_competing_events:
        figure, kind = _incidences(endpoint, samples, grouping, outcomes), "Cumulative incidence"
    else:
        figure, kind = _survival(endpoint, overall, grouping, outcomes), "Kaplan-Meier curves"
    return Picture(f"{kind} of {what}; {subjects}.", figure)


def _survival(endpoint: Endpoint, overall: Sample, grouping: EndpointGrouping | None, outcomes: Outcomes) -> Figure:
    groups = grouping.groups if grouping else []
    sample = overall.survival.curve.observations
    summary = SurvivalSummary(
        sample,
        subjects=sample.subjects,
        ended_before=0,
        persons=(sample.persons, 0),
        overall=overall.survival,
        groups=[GroupEstimate(place, group.survival) for place, group in enumerate(groups)],
        empty=[],
        comparison=grouping.comparison if grouping else None,
        min_cell_count=None,
    )
    return survival_figure(
        summary,
        [group.label for group in groups],
        FigureOptions(WIDTH, percent=True, value_label=f"{capitalized(endpoint.in_words)} (%)"),
        time_unit=outcomes.cohort.time_unit,
        confidence_level=outcomes.options.survival.confidence_level,
    )


def _incidences(
    endpoint: Endpoint, samples: Sequence[Sample], grouping: EndpointGrouping | None, outcomes: Outcomes
) -> Figure:
    summary = IncidenceSummary(
        [sample.incidence for sample in samples if sample.incidence is not None], grouping.gray if grouping else None
    )
    return incidence_figure(
        summary,
        [sample.label for sample in samples] if grouping else [""],
        endpoint.causes,
        FigureOptions(WIDTH, percent=True),
        time_unit=outcomes.cohort.time_unit,
        confidence_level=outcomes.options.survival.confidence_level,
    )
