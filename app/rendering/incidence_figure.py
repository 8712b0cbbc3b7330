"""The figure of cumulative incidences under competing risks: by cause in one panel, or by group in a panel a cause."""

from collections.abc import Sequence

import numpy as np

from app.analysis.competing_risks import IncidenceEstimate, IncidenceSummary
from app.analysis.cumulative_incidence import AalenJohansen
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.landmarks import tally
from app.rendering.figure import Curve, Figure, FigureOptions, KeyRow, Panel, TableGroup, step_curve, without_controls
from app.rendering.time_axis import axis_breaks, axis_end, end_note
from app.rendering.words import count, p_value, printable

CAUSES_IN_TABLE = 3
"""Of more causes the table has the events together."""


def incidence_figure(
    summary: IncidenceSummary,
    labels: Sequence[str],
    causes: Sequence[str],
    options: FigureOptions,
    *,
    time_unit: str,
    confidence_level: float,
) -> Figure:
    """Return the figure of a summary.

    Parameters
    ----------
    labels : of the groups, in the order of the summary; [""] without groups
    causes : names of the causes, in the order of the estimates
    """
    options = without_controls(options)
    labels, causes = [printable(label) for label in labels], [printable(cause) for cause in causes]
    samples = [estimate.curves.curve.observations for estimate in summary.groups]
    grouped = len(summary.groups) > 1
    start, end = 0.0, axis_end(samples, options, 0.0)
    breaks = axis_breaks(start, end, options, time_unit, max(sample.subjects for sample in samples))

    def drawn(place: int, cause: int, label: str, style: int) -> Curve:
        curves = summary.groups[place].curves
        return _curve(curves, cause, label, style, end=end, points=options.width)

    if not grouped:
        curves = [drawn(0, cause, name, cause) for cause, name in enumerate(causes)]
        panels = [_panel("", curves, [])]
    else:
        panels = [
            _panel(
                name,
                [drawn(place, cause, label, place) for place, label in enumerate(labels)],
                [f"Gray's test: {p_value(test.p_value)}"],
            )
            for cause, (name, test) in enumerate(zip(causes, _tests(summary), strict=True))
        ]
    level = f"{100 * confidence_level:g} % CI"
    styles = [*range(len(labels))] if grouped else [None]
    extended = options.at_risk == "extended"
    table = [
        _table(estimate, label, style, causes=causes, breaks=breaks, extended=extended)
        for label, style, estimate in zip(labels, styles, summary.groups, strict=True)
    ]
    return Figure(
        options,
        "Cumulative incidence curves",
        _description(summary, labels, causes),
        options.time_label or f"Time ({time_unit})",
        options.value_label or "Cumulative incidence" + (" (%)" if options.percent else ""),
        start,
        end,
        breaks,
        panels or [_panel("", [], ["No cause"])],
        [] if options.at_risk == "none" else table,
        f"Shaded: pointwise {level}.{end_note(samples, options, end)}",
    )


def _tests(summary: IncidenceSummary) -> Sequence[HypothesisTest]:
    return summary.comparison or []


def _panel(title: str, curves: Sequence[Curve], notes: Sequence[str]) -> Panel:
    return Panel(title, curves, [], [KeyRow(curve.label, curve.style) for curve in curves], notes)


def _curve(curves: AalenJohansen, cause: int, label: str, style: int, *, end: float, points: int) -> Curve:
    values = curves.incidence[cause], curves.lower[cause], curves.upper[cause]
    no_marks = np.zeros(curves.curve.time.size, dtype=bool)
    return step_curve(label, style, curves.curve.time, values, no_marks, first=0, start=0, end=end, points=points)


def _table(
    estimate: IncidenceEstimate,
    label: str,
    style: int | None,
    *,
    causes: Sequence[str],
    breaks: Sequence[float],
    extended: bool,
) -> TableGroup:
    sample = estimate.curves.curve.observations
    found = tally(sample, breaks)
    rows = [("At risk", found.at_risk)]
    if extended:
        rows.append(("Censored", found.censored))
        if len(causes) > CAUSES_IN_TABLE:
            rows.append(("Events", found.events))
        else:
            rows += [(name, tally(sample.only_cause(place), breaks).events) for place, name in enumerate(causes, 1)]
    return TableGroup(label, style, [(name, [count(one) for one in counts]) for name, counts in rows])


def _description(summary: IncidenceSummary, labels: Sequence[str], causes: Sequence[str]) -> str:
    sentences = []
    for label, estimate in zip(labels, summary.groups, strict=True):
        events = [
            f"{count(float(of_cause.sum()))} {name}"
            for name, of_cause in zip(causes, estimate.curves.events, strict=True)
        ]
        subjects = count(estimate.curves.curve.observations.subjects)
        sentences.append(f"{label}{': ' if label else ''}{subjects} subjects; events: {', '.join(events) or 'none'}.")
    tests = [
        f"Gray's test of {name}: {p_value(test.p_value)}." for name, test in zip(causes, _tests(summary), strict=False)
    ]
    return " ".join([*sentences, *tests])
