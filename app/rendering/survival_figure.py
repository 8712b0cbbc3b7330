"""The figure of a sample's survival: Kaplan-Meier curves by group with what compares them.

Source of the table: Morris et al., BMJ Open 2019;9:e030215 (KMunicate).
"""

import math
from collections.abc import Sequence

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.comparison import Comparison
from app.analysis.landmarks import tally
from app.analysis.quantiles import Quantile
from app.analysis.survival import SurvivalEstimate
from app.analysis.survival_summary import SurvivalSummary
from app.rendering.figure import Curve, Figure, FigureOptions, KeyRow, Panel, TableGroup, step_curve, without_controls
from app.rendering.time_axis import axis_breaks, axis_end, end_note
from app.rendering.words import NOT_ESTIMABLE, NOT_REACHED, count, p_value, printable, ratio, significant

DISCLOSED_DIGITS = 4
"""Of figures where small counts are kept back: more of them could be solved for what each does not tell."""

TEST_NAMES = {
    "log-rank": "log-rank test",
    "gehan-breslow": "Gehan-Breslow test",
    "tarone-ware": "Tarone-Ware test",
    "peto-peto": "Peto-Peto test",
    "modified-peto-peto": "modified Peto-Peto test",
    "fleming-harrington": "Fleming-Harrington test",
    "trend": "log-rank test for trend",
    "max-combo": "max-combo test",
    "robust-score": "robust score test",
}


def survival_figure(
    summary: SurvivalSummary,
    labels: Sequence[str],
    options: FigureOptions,
    *,
    time_unit: str,
    confidence_level: float,
) -> Figure:
    """Return the figure of a summary, made of nothing but what the summary discloses.

    Parameters
    ----------
    labels : of the groups, by their codes
    """
    options = without_controls(options)
    shown, hidden = _shown(summary, [printable(label) for label in labels])
    level = f"{100 * confidence_level:g} % CI"
    samples = [estimate.curve.observations for _, _, estimate in shown]
    start = samples[0].start if samples else 0.0
    end = axis_end(samples, options, start)
    largest = max((estimate.subjects for _, _, estimate in shown), default=0)
    breaks = axis_breaks(start, end, options, time_unit, largest)
    digits = None if summary.min_cell_count is None else DISCLOSED_DIGITS
    notes = _notes(summary, hidden)
    rows = [
        KeyRow(label, style, [_median(estimate.median, digits), *_ratio(summary.comparison, place)])
        for place, (label, style, estimate) in enumerate(shown)
    ]
    header = [f"Median, {time_unit} ({level})", *([f"Hazard ratio ({level})"] if summary.comparison else [])]
    curves = [_curve(*one, start=start, end=end, points=options.width, digits=digits) for one in shown]
    extended = options.at_risk == "extended"
    table = [_table(*one, breaks=breaks, extended=extended, digits=digits) for one in shown]
    marked = " Small vertical marks: censored." if any(curve.censored.size for curve in curves) else ""
    return Figure(
        options,
        "Kaplan-Meier curves",
        _description(rows, [(one[0], *_counts(one[2], digits)) for one in shown], notes, time_unit, level),
        options.time_label or f"Time ({time_unit})",
        options.value_label or "Event-free probability" + (" (%)" if options.percent else ""),
        start,
        end,
        breaks,
        [Panel("", curves, header, rows, notes)],
        [] if options.at_risk == "none" else table,
        f"Shaded: pointwise {level}.{marked}{end_note(samples, options, end)}" if shown else "",
    )


def _shown(
    summary: SurvivalSummary, labels: Sequence[str]
) -> tuple[list[tuple[str, int, SurvivalEstimate]], list[str]]:
    """Return label, style and estimate of each group that can be shown, or of all subjects, and what is kept back."""
    shown = [
        (labels[group.code], style, group.estimate)
        for style, group in enumerate(summary.groups)
        if group.estimate is not None
    ]
    hidden = [labels[group.code] for group in summary.groups if group.estimate is None]
    if not shown and summary.overall is not None:
        shown = [("All" if hidden else "", 0, summary.overall)]
    return shown, hidden


def _curve(
    label: str, style: int, estimate: SurvivalEstimate, *, start: float, end: float, points: int, digits: int | None
) -> Curve:
    curve = estimate.curve
    values = [_rounded(values, digits) for values in (curve.survival, curve.lower, curve.upper)]
    censored = curve.table.censored > 0
    return step_curve(label, style, curve.time, values, censored, first=1.0, start=start, end=end, points=points)


def _rounded(values: FloatArray, digits: int | None) -> FloatArray:
    """Return the values with so many significant digits, whole numbers as they are; None leaves all."""
    if digits is None:
        return values
    whole = values == np.floor(values)
    return np.where(whole, values, [float(f"{value:.{digits - 1}e}") for value in values.tolist()])


def _table(
    label: str,
    style: int,
    estimate: SurvivalEstimate,
    *,
    breaks: Sequence[float],
    extended: bool,
    digits: int | None,
) -> TableGroup:
    found = tally(estimate.curve.observations, breaks)
    rows = {"At risk": found.at_risk, "Censored": found.censored, "Events": found.events}
    names = list(rows) if extended else ["At risk"]
    return TableGroup(label, style, [(name, [count(one) for one in _rounded(rows[name], digits)]) for name in names])


def _median(median: Quantile, digits: int | None) -> str:
    if math.isnan(median.estimate):
        return NOT_REACHED
    figures = _rounded(np.array([median.estimate, median.lower, median.upper]), digits).tolist()
    estimate, lower, upper = ("" if math.isnan(figure) else significant(figure) for figure in figures)
    return f"{estimate} ({lower} to {upper or NOT_REACHED})" if lower else f"{estimate} ({NOT_ESTIMABLE})"


def _ratio(comparison: Comparison | None, group: int) -> list[str]:
    if comparison is None:
        return []
    found = next((one for one in comparison.hazard_ratios if one.group == group), None)
    if found is None:
        return ["1 (reference)"]
    if not math.isfinite(found.hazard_ratio):
        return [NOT_ESTIMABLE]
    return [f"{ratio(found.hazard_ratio)} ({ratio(found.lower)} to {ratio(found.upper)})"]


def _notes(summary: SurvivalSummary, hidden: Sequence[str]) -> list[str]:
    """Return the first test asked for, the one that allows for clusters, and the groups kept back."""
    notes = []
    if summary.comparison is not None:
        stratified = "stratified " if summary.comparison.strata > 1 else ""
        tests = summary.comparison.tests
        for test in [*tests[:1], *(test for test in tests[1:] if test.name == "robust-score")]:
            name = stratified + TEST_NAMES[test.name]
            notes.append(f"{name[0].upper()}{name[1:]}: {p_value(test.p_value)}")
    if summary.overall is None:
        notes.append("Suppressed: too few subjects")
    elif hidden:
        notes.append(f"Suppressed: {', '.join(hidden)}")
    return notes


def _counts(estimate: SurvivalEstimate, digits: int | None) -> tuple[str, str]:
    subjects, events = _rounded(np.array([estimate.subjects, estimate.events]), digits).tolist()
    return count(subjects), count(events)


def _description(
    rows: Sequence[KeyRow],
    counts: Sequence[tuple[str, str, str]],
    notes: Sequence[str],
    time_unit: str,
    level: str,
) -> str:
    sentences = []
    for row, (label, subjects, events) in zip(rows, counts, strict=True):
        ratio_ = f"; hazard ratio {row.cells[1]}" if row.cells[1:] else ""
        sentences.append(
            f"{label}{': ' if label else ''}{subjects} subjects, {events} events; "
            f"median ({level}) in {time_unit} {row.cells[0]}{ratio_}."
        )
    return " ".join([*sentences, *(f"{note}." for note in notes)])
