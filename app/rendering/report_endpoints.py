"""The sections of a report about time-to-event end points: estimates, landmarks, comparisons, figures."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from app.analysis.comparison import Comparison
from app.analysis.competing_risks import IncidenceRate
from app.analysis.landmarks import LandmarkRate
from app.cohort.endpoints import Endpoint
from app.cohort.outcomes import EndpointGrouping, EndpointResult, Outcomes, Sample
from app.rendering.cells import (
    between,
    hazard_ratio_cells,
    mean_cell,
    p_cell,
    percentages,
    quantile_cell,
    ratio_cell,
    whole,
)
from app.rendering.document import Block, Cell, Paragraph, Rows, Section, Table
from app.rendering.report_figures import figure_by_group, figure_of_all
from app.rendering.report_tables import left_out, test_tables, ungrouped
from app.rendering.words import NOT_ESTIMABLE, counted, level_of, percent


def endpoint_section(result: EndpointResult, outcomes: Outcomes, *, drawn: bool) -> Section:
    """Return an end point, overall and by group; with its figures if they are to be drawn."""
    endpoint = result.endpoint
    title = endpoint.name.replace("_", " ").capitalize()
    definition = Paragraph(f"{endpoint.definition} Unit: {endpoint.unit}. {left_out(result.excluded, endpoint.unit)}")
    if result.overall is None:
        return Section(title, [definition, Paragraph(f"Nothing is estimated: every {endpoint.unit} is left out.")])
    return Section(
        title,
        [definition, *estimate_blocks(result, outcomes, drawn=drawn)],
        [_grouping(grouping, endpoint, result.overall, outcomes, drawn=drawn) for grouping in result.groupings],
    )


def estimate_blocks(result: EndpointResult, outcomes: Outcomes, *, drawn: bool) -> list[Block]:
    """Return the tables and the figure of all units of an end point, nothing where all are left out."""
    if result.overall is None:
        return []
    overall = replace(result.overall, label=f"All {result.endpoint.unit}s")
    blocks = _tables(result.endpoint, [overall], result.endpoint.in_words, outcomes)
    return [*blocks, figure_of_all(result.endpoint, overall, outcomes)] if drawn else [*blocks]


def _grouping(
    grouping: EndpointGrouping, endpoint: Endpoint, overall: Sample, outcomes: Outcomes, *, drawn: bool
) -> Section:
    title, what = f"By {grouping.name}", f"{endpoint.in_words} by {grouping.name}"
    blocks: list[Block] = []
    if grouping.excluded:
        blocks.append(Paragraph(f"{ungrouped(grouping.excluded, endpoint.unit)}."))
    if grouping.empty:
        blocks.append(Paragraph(f"Groups without a {endpoint.unit}: {', '.join(grouping.empty)}."))
    if not grouping.groups:
        return Section(title, blocks)
    blocks += _tables(endpoint, grouping.groups, what, outcomes)
    blocks += _comparison(grouping, endpoint, what, outcomes)
    if drawn:
        blocks.append(figure_by_group(endpoint, overall, grouping, outcomes))
    return Section(title, blocks)


def _tables(endpoint: Endpoint, samples: Sequence[Sample], what: str, outcomes: Outcomes) -> Iterator[Block]:
    tables = _incidences if endpoint.has_competing_events else _survival
    return tables(endpoint, samples, what, outcomes)


def _survival(endpoint: Endpoint, samples: Sequence[Sample], what: str, outcomes: Outcomes) -> Iterator[Block]:
    level, unit = _level(outcomes), outcomes.cohort.time_unit
    header = ["", f"{endpoint.unit.capitalize()}s", "Events", "Censored"]
    header += [f"Median ± SE ({level}), {unit}", f"Mean ± SE ({level}), {unit}", f"Mean up to, {unit}"]
    rows = [
        [
            Cell(sample.label),
            *map(whole, (found.subjects, found.events, found.censored)),
            quantile_cell(found.median),
            mean_cell(found.restricted_mean),
            Cell(f"{found.restricted_mean.horizon:.1f}"),
        ]
        for sample in samples
        for found in (sample.survival,)
    ]
    yield Table(f"Median and restricted mean of {what}.", header, [Rows("", rows)])
    parts = [
        Rows(sample.label, [_rate(rate, rate.survival, unit) for rate in sample.survival.rates])
        for sample in samples
        if sample.survival.rates
    ]
    if parts:
        yield Table(f"Rates of {what} at landmarks.", _rate_header("Rate", level), parts)


def _incidences(endpoint: Endpoint, samples: Sequence[Sample], what: str, outcomes: Outcomes) -> Iterator[Block]:
    level, unit = _level(outcomes), outcomes.cohort.time_unit
    counts, rates = [], []
    for sample, found in ((one, one.incidence) for one in samples if one.incidence is not None):
        totals = (
            f"{counted(sample.survival.subjects, endpoint.unit)}, {found.curves.curve.table.censored.sum():g} censored"
        )
        events = zip(endpoint.causes, found.curves.events, found.medians, strict=True)
        rows = [[Cell(cause), whole(float(number.sum())), quantile_cell(median)] for cause, number, median in events]
        counts.append(Rows(f"{sample.label}: {totals}", rows))
        for cause, of_cause in zip(endpoint.causes, found.rates, strict=True):
            at_landmarks = [_rate(rate, rate.cumulative_incidence, unit) for rate in of_cause]
            rates += [Rows(f"{sample.label}: {cause}", at_landmarks)] if at_landmarks else []
    header = ["First event", "Events", f"Time by which half had it ± SE ({level}), {unit}"]
    yield Table(f"First events: {what}.", header, counts)
    if rates:
        yield Table(f"Cumulative incidence at landmarks: {what}.", _rate_header("Incidence", level), rates)


def _rate_header(what: str, level: str) -> list[str]:
    return ["Time", "At risk", "Events by then", what, f"{level}, %"]


def _rate(rate: LandmarkRate | IncidenceRate, share: float, unit: str) -> list[Cell]:
    estimate = Cell(NOT_ESTIMABLE, rate.reason) if math.isnan(share) else Cell(percent(share))
    limits = percentages(rate.lower, rate.upper, rate.reason)
    return [Cell(f"{rate.time:g} {unit}"), whole(rate.at_risk), whole(rate.events), estimate, limits]


def _comparison(grouping: EndpointGrouping, endpoint: Endpoint, what: str, outcomes: Outcomes) -> Iterator[Block]:
    if grouping.comparison is None:
        return
    gray = zip(endpoint.causes, grouping.gray or [], strict=bool(grouping.gray))
    hazards = "Hazards, competing events censored" if endpoint.has_competing_events else ""
    yield from test_tables(
        f"Tests of equal {what}.",
        [(hazards, grouping.comparison.tests), *((f"Cumulative incidence of {cause}", [test]) for cause, test in gray)],
    )
    labels = [sample.label for sample in grouping.groups]
    yield _hazard_ratios(grouping.comparison, labels, what, outcomes)
    if not endpoint.has_competing_events:
        yield _mean_differences(grouping.comparison, labels, what, outcomes)


def _hazard_ratios(comparison: Comparison, labels: Sequence[str], what: str, outcomes: Outcomes) -> Table:
    rows = [[Cell(labels[found.group]), *hazard_ratio_cells(found)] for found in comparison.hazard_ratios]
    reference = labels[comparison.hazard_ratios[0].reference]
    header = ["Group", f"Hazard ratio ({_level(outcomes)})", "P"]
    return Table(f"Hazard ratios of {what}; reference: {reference}.", header, [Rows("", rows)])


def _mean_differences(comparison: Comparison, labels: Sequence[str], what: str, outcomes: Outcomes) -> Table:
    level, unit = _level(outcomes), outcomes.cohort.time_unit
    rows = []
    for one in comparison.restricted_mean_differences:
        found = one.compared
        limits = between(found.lower, found.upper, lambda value: f"{value:.1f}")
        difference = Cell(f"{found.difference:.1f} ({limits})", one.reason)
        ratio = ratio_cell(found.ratio, found.ratio_lower, found.ratio_upper, one.reason)
        pair = f"{labels[one.pair.first]} versus {labels[one.pair.second]}"
        rows.append([Cell(pair), Cell(f"{one.horizon:.1f}"), difference, ratio, p_cell(found.p_value, one.reason)])
    header = ["Groups", f"Means up to, {unit}", f"Difference ({level}), {unit}", f"Ratio ({level})", "P"]
    return Table(f"Restricted means of {what}, compared.", header, [Rows("", rows)])


def _level(outcomes: Outcomes) -> str:
    return level_of(outcomes.options.survival.confidence_level)
