"""A pair of axes and the curves on it, as marks."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray
from app.rendering.figure import Curve, Figure
from app.rendering.marks import Area, Layer, Mark, Measure, Stroke, Words, colour, dashes, elided
from app.rendering.placement import Box, Outline

TICK = 5.0
LABEL_SIZE = 11.0
NAME_SIZE = 12.0
BEYOND = 20.0
"""How much longer than its axis the name of the axis of probabilities may be, in px."""

CENSORED = 3.5
"""Half the height of the mark of a censoring, in px."""

BAND_OPACITY = 0.18
MOST_OPAQUE_BANDS = 4
"""Of more curves the bands are paler, so that they can be seen through each other."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle of a plot: times from `start` to `end` from left to right, probabilities from 0 at the bottom."""

    box: Box
    start: float
    end: float

    def x(self, time: float) -> float:
        """Return where a time stands, in px."""
        return self.box.left + (time - self.start) / (self.end - self.start) * (self.box.right - self.box.left)

    def xs(self, time: FloatArray) -> FloatArray:
        """Return where times stand, in px."""
        width = self.box.right - self.box.left
        return np.asarray(self.box.left + (time - self.start) / (self.end - self.start) * width)

    def ys(self, probability: FloatArray) -> FloatArray:
        """Return where probabilities stand, in px."""
        return np.asarray(self.box.bottom - probability * (self.box.bottom - self.box.top))


def outline(frame: Frame, curve: Curve) -> Outline:
    """Return a curve as it stands on the sheet; where it has no band, that is the line."""
    upper, lower = (np.where(np.isnan(limit), curve.value, limit) for limit in (curve.upper, curve.lower))
    return Outline(frame.xs(curve.time), frame.ys(curve.value), frame.ys(upper), frame.ys(lower))


def band_layer(frame: Frame, curve: Curve, place: int, curves: int) -> Layer:
    """Return the band of a curve, in pieces where it does not exist throughout."""
    x, exists = frame.xs(curve.time), np.isfinite(curve.lower) & np.isfinite(curve.upper)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], exists, [False])).astype(np.int64)))
    polygons = []
    for first, stop in edges.reshape(-1, 2).tolist():
        xs = x[first : stop + 1] if stop < x.size else np.append(x[first:stop], x[-1])
        top, bottom = (_steps(xs, frame.ys(limit[first:stop])) for limit in (curve.upper, curve.lower))
        polygons.append(np.concatenate((top, bottom[::-1])))
    opacity = BAND_OPACITY * min(1.0, MOST_OPAQUE_BANDS / curves)
    return Layer(f"band-{place}", [Area(polygons, colour(curve.style), opacity)] if polygons else [])


def curve_layers(frame: Frame, curve: Curve, place: int) -> list[Layer]:
    """Return the line of a curve, and its marks of censorings."""
    x, hue = frame.xs(curve.time), colour(curve.style)
    line = Stroke([_steps(np.append(x, x[-1]), frame.ys(curve.value))[:-1]], hue, 1.8, dashes(curve.style))
    layers = [Layer(f"curve-{place}", [line])]
    if curve.censored.size:
        at = np.searchsorted(curve.time, curve.censored, side="right") - 1
        xs, ys = frame.xs(curve.censored), frame.ys(curve.value[at])
        ticks = [np.array([[left, y - CENSORED], [left, y + CENSORED]]) for left, y in zip(xs, ys, strict=True)]
        layers.append(Layer(f"censored-{place}", [Stroke(ticks, hue)]))
    return layers


def _steps(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the corners of a step function that has the value y[i] from x[i] to x[i + 1]; shape [2 m, 2]."""
    return np.column_stack((np.repeat(x, 2)[1:-1], np.repeat(y, 2)))


def axis_layers(frame: Frame, figure: Figure, panel: int, every: int, measure: Measure) -> list[Layer]:
    """Return both axes of a panel; only the last has words at each so many-th tick of the time axis."""
    last = panel == len(figure.panels) - 1
    words = _time_words(frame, figure, every, measure) if last else []
    return [
        Layer(f"time-axis-{panel}", [*_time_axis(frame, figure), *words]),
        Layer(f"value-axis-{panel}", _value_axis(frame, figure, measure)),
    ]


def _time_axis(frame: Frame, figure: Figure) -> list[Mark]:
    box = frame.box
    ticks = [np.array([[x, box.bottom], [x, box.bottom + TICK]]) for x in map(frame.x, figure.breaks)]
    return [Stroke([np.array([[box.left, box.bottom], [box.right, box.bottom]])]), *([Stroke(ticks)] if ticks else [])]


def time_texts(figure: Figure) -> list[str]:
    """Return the times at the ticks."""
    return [f"{time:.10g}" for time in figure.breaks]


def _time_words(frame: Frame, figure: Figure, every: int, measure: Measure) -> list[Mark]:
    box = frame.box
    words: list[Mark] = [
        Words(frame.x(time), box.bottom + 18, text, LABEL_SIZE, anchor="middle")
        for time, text in list(zip(figure.breaks, time_texts(figure), strict=True))[::every]
    ]
    name = elided(figure.time_label, box.right - box.left, measure, NAME_SIZE)
    return [*words, Words((box.left + box.right) / 2, box.bottom + 36, name, NAME_SIZE, anchor="middle")]


def _value_axis(frame: Frame, figure: Figure, measure: Measure) -> list[Mark]:
    box = frame.box
    values = np.linspace(0, 1, 6 if box.bottom - box.top >= 90 else 3)
    heights = frame.ys(values)
    marks: list[Mark] = [
        Stroke([np.array([[box.left, box.bottom], [box.left, box.top]])]),
        Stroke([np.array([[box.left - TICK, y], [box.left, y]]) for y in heights]),
    ]
    for value, y in zip(values.tolist(), heights.tolist(), strict=True):
        text = f"{100 * value:.0f}" if figure.options.percent else f"{value:.1f}"
        marks.append(Words(box.left - TICK - 4, y + 4, text, LABEL_SIZE, anchor="end"))
    middle = (box.top + box.bottom) / 2
    name = elided(figure.value_label, box.bottom - box.top + BEYOND, measure, NAME_SIZE)
    return [*marks, Words(box.left - 42, middle, name, NAME_SIZE, anchor="middle", upwards=True)]
