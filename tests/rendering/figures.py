"""Figures for the tests: of samples, and where the words of a sheet stand."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from app.analysis.comparison import ComparisonOptions
from app.analysis.competing_risks import summarize_incidences
from app.analysis.conventions import CONVENTIONS
from app.analysis.observations import Observations, observe
from app.analysis.survival import SurvivalOptions
from app.analysis.survival_summary import summarize_survival
from app.rendering.canvas import measure
from app.rendering.figure import Figure, FigureOptions
from app.rendering.incidence_figure import incidence_figure
from app.rendering.marks import Sheet, Words
from app.rendering.placement import Box
from app.rendering.survival_figure import survival_figure
from tests.references import reference

R = SurvivalOptions(CONVENTIONS["r"])


def survival(
    sample: Observations,
    labels: Sequence[str] = (),
    unit: str = "months",
    min_cell_count: int | None = None,
    **how: Any,
) -> Figure:
    """Return the figure of a sample's survival by groups with these labels."""
    summary = summarize_survival(sample, len(labels), R, ComparisonOptions(), min_cell_count=min_cell_count)
    return survival_figure(summary, labels, FigureOptions(**how), time_unit=unit, confidence_level=0.95)


def incidences(sample: Observations, labels: Sequence[str], causes: Sequence[str], **how: Any) -> Figure:
    """Return the figure of a sample's cumulative incidences by groups with these labels, [""] without groups."""
    groups = 0 if list(labels) == [""] else len(labels)
    summary = summarize_incidences(sample, groups, len(causes), R, "log-log")
    return incidence_figure(summary, labels, causes, FigureOptions(**how), time_unit="days", confidence_level=0.95)


def grouped(groups: int, size: int = 50, causes: int = 1) -> Observations:
    """Return a made sample with so many groups of this size."""
    generator = np.random.default_rng(groups)
    time = generator.exponential(np.repeat(6 + 4 * np.arange(groups), size))
    last = generator.uniform(5, 60, groups * size)
    cause = np.where(time <= last, generator.integers(1, causes + 1, groups * size), 0)
    return observe(np.minimum(time, last), cause, group=np.repeat(np.arange(groups), size))


def columns(name: str, group: str, outcome: str = "event") -> tuple[Observations, list[str]]:
    """Return a sample of tests/data, and the labels of its groups."""
    data = reference(name)["columns"]
    labels = list(dict.fromkeys(map(str, data[group])))
    codes = [labels.index(str(label)) for label in data[group]]
    return observe(data["time"], [int(value) for value in data[outcome]], group=codes), labels


def boxes(sheet: Sheet) -> Iterator[tuple[str, str, Box]]:
    """Yield the layer, the text and the rectangle of each text that stands upright."""
    for layer in sheet.layers:
        for mark in layer.marks:
            if isinstance(mark, Words) and not mark.upwards:
                width = measure(mark.text, mark.size, mark.bold)
                left = mark.x - {"start": 0, "middle": width / 2, "end": width}[mark.anchor]
                yield layer.id, mark.text, Box(left, mark.y - 0.75 * mark.size, left + width, mark.y + 0.2 * mark.size)
