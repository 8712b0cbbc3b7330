"""What a figure shows, without where: curves in panels, a key with their figures, the table under the time axis."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from app.analysis.arrays import BoolArray, FloatArray
from app.analysis.curve_points import kept_points
from app.rendering.words import printable

AtRisk = Literal["extended", "simple", "none"]

LEFT_AT_END = 0.1
"""Share of the subjects who are at least still at risk where the time axis ends of itself.

Source: Pocock, Clayton & Altman, Lancet 2002;359:1686, who stop where 10 to 20 % remain.
"""

ROUNDING = 1e-9
"""A step as short as this is what rounding leaves of none: with it figures would differ between processors."""

MARK_WIDTH = 4
"""Least distance of two marks of censorings, in px; one between them is drawn as the next.

Where more than half of all such places would have a mark none is drawn: together they would be a thick line.
"""


@dataclass(frozen=True, slots=True)
class FigureOptions:
    """How a figure is to look; lengths are in px, times in the unit of the sample.

    Attributes
    ----------
    height : None for as much as curves and table need
    time_breaks : ticks of the time axis and columns of the table, None for round ones
    at_risk : table of numbers at risk, censored and with events; at risk only; or none
    until : end of the time axis; None for the last break asked for, or where LEFT_AT_END of the subjects are left
    percent : the axis of probabilities goes from 0 to 100 %
    title, time_label, value_label : "" for no title, and for the labels that the axes have of themselves
    """

    width: int = 800
    height: int | None = None
    time_breaks: Sequence[float] | None = None
    at_risk: AtRisk = "extended"
    until: float | None = None
    percent: bool = False
    title: str = ""
    time_label: str = ""
    value_label: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """A step function with its band; arrays have shape [m], their first item is the start of the axis.

    Attributes
    ----------
    style : its place in the order of colours and dashes
    value : from `time` on
    lower, upper : NaN where the band does not exist
    censored : times of censorings, shape [c]
    """

    label: str
    style: int
    time: FloatArray
    value: FloatArray
    lower: FloatArray
    upper: FloatArray
    censored: FloatArray


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A curve in the key, with its figures."""

    label: str
    style: int
    cells: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves on one pair of axes, and their key: a row a curve below the header, then notes."""

    title: str
    curves: Sequence[Curve]
    header: Sequence[str]
    rows: Sequence[KeyRow]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class TableGroup:
    """Rows of the table under the time axis: a name, and a count at each break; `style` None is that of no curve."""

    label: str
    style: int | None
    rows: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: panels on one time axis from `start` to `end`, a table, a footnote, and all of it in words."""

    options: FigureOptions
    name: str
    description: str
    time_label: str
    value_label: str
    start: float
    end: float
    breaks: Sequence[float]
    panels: Sequence[Panel]
    table: Sequence[TableGroup]
    footnote: str


def step_curve(
    label: str,
    style: int,
    time: FloatArray,
    values: Sequence[FloatArray],
    censored: BoolArray,
    *,
    first: float,
    start: float,
    end: float,
    points: int,
) -> Curve:
    """Return an estimate and its limits from the start of the axis to its end, or to the last follow-up.

    Of its points there are those where one of them moves, and the last.

    Parameters
    ----------
    time : distinct, ascending, shape [m]
    values : the estimate, its lower and its upper limit, shape [m] each
    censored : where times have a censoring, shape [m]
    first : value from the start to the first time
    points : as many as the figure is wide: no more can be seen

    Examples
    --------
    >>> time, value = np.array([1.0, 3.0, 9.0]), np.array([0.8, 0.4, 0.0])
    >>> curve = step_curve("a", 0, time, (value, value, value), time == 3, first=1, start=0, end=5, points=99)
    >>> curve.time, curve.value, curve.censored
    (array([0., 1., 3., 5.]), array([1. , 0.8, 0.4, 0.4]), array([3.]))
    """
    shown = int(np.searchsorted(time, end, side="right"))
    place = kept_points(time[:shown], points) if shown else np.zeros(0, dtype=np.int64)
    goes_on = shown < time.size and end not in time[shown - 1 : shown]
    index = np.concatenate(([0], place + 1, [shown] * goes_on)).astype(np.int64)
    marks = time[:shown][censored[:shown]]
    times = np.concatenate(([start], time[place], [end] * goes_on))
    figures = np.array([np.concatenate(([first], column))[index] for column in values])
    moves = (np.abs(np.diff(np.nan_to_num(figures, nan=-1.0))) > ROUNDING).any(axis=0)
    corner = np.concatenate(([True], moves))
    corner[-1] = True
    value, lower, upper = figures[:, corner]
    return Curve(label, style, times[corner], value, lower, upper, _apart(marks, points))


def _apart(marks: FloatArray, points: int) -> FloatArray:
    """Return the marks that can be told apart, none where they would cover the curve."""
    kept = kept_points(marks, points // MARK_WIDTH) if marks.size else np.zeros(0, dtype=np.int64)
    return marks[kept if kept.size <= points // MARK_WIDTH // 2 else kept[:0]]


def without_controls(options: FigureOptions) -> FigureOptions:
    """Return the options with words that can be drawn."""
    return replace(
        options,
        title=printable(options.title),
        time_label=printable(options.time_label),
        value_label=printable(options.value_label),
    )
