"""The time axis of a figure: where it ends, and its ticks."""

import math
from collections.abc import Sequence

import numpy as np

from app.analysis.observations import Observations
from app.analysis.risk_table import count_at_risk
from app.rendering.figure import LEFT_AT_END, FigureOptions

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
MONTHS = (1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 36.0, 60.0, 120.0)

BREAK_WIDTH = 52
"""Least distance of two ticks that are not asked for, in px; a long count under them needs more."""


def axis_end(samples: Sequence[Observations], options: FigureOptions, start: float) -> float:
    """Return where the time axis ends: where it was asked to, else at the last time with enough subjects at risk.

    Enough is LEFT_AT_END of the most that ever are, all samples together. Where nothing lies after the start, the axis
    is 1 long.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> sample = observe([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 50], [1] * 12)
    >>> axis_end([sample], FigureOptions(), 0), axis_end([sample], FigureOptions(time_breaks=[24, 12]), 0)
    (11.0, 24.0)
    """
    if options.until is not None:
        return options.until
    if options.time_breaks and max(options.time_breaks) > start:
        return float(max(options.time_breaks))
    if not samples:
        return start + 1
    times = np.unique(np.concatenate([sample.time for sample in samples]))
    at_risk = np.sum([count_at_risk(sample, times) for sample in samples], axis=0)
    end = float(times[np.flatnonzero(at_risk >= LEFT_AT_END * at_risk.max())[-1]])
    return end if end > start else start + 1


def end_note(samples: Sequence[Observations], options: FigureOptions, end: float) -> str:
    """Return why the axis ends before the follow-up does, "" where it does not, or was asked to."""
    asked = options.until is not None or options.time_breaks is not None
    if asked or all(sample.time[-1] <= end for sample in samples):
        return ""
    return f" Curves end where {100 * LEFT_AT_END:g} % are still at risk."


def axis_breaks(start: float, end: float, options: FigureOptions, time_unit: str, largest_count: float) -> list[float]:
    """Return the ticks of the axis: those asked for that it has, else round times as near as counts leave room for.

    Examples
    --------
    >>> axis_breaks(0, 61, FigureOptions(), "months", 100)
    [0.0, 6.0, 12.0, 18.0, 24.0, 30.0, 36.0, 42.0, 48.0, 54.0, 60.0]
    >>> axis_breaks(7, 45, FigureOptions(), "weeks", 100)
    [7.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0]
    """
    if options.time_breaks is not None:
        return sorted({time for time in options.time_breaks if start <= time <= end})
    room = max(BREAK_WIDTH, 14 + 7 * len(f"{largest_count:.0f}"))
    step = _step((end - start) / max(2, int(0.75 * options.width / room)), time_unit)
    if not math.isfinite(step):
        return [float(start), float(end)]
    first, last = math.ceil(start / step), math.floor(end / step * (1 + 1e-12))
    round_times = [float(f"{place * step:.12g}") for place in range(first, last + 1)]
    return [float(start), *(time for time in round_times if time - start >= step / 2)]


def _step(shortest: float, time_unit: str) -> float:
    """Return the shortest round step that is at least so long."""
    if time_unit == "months" and MONTHS[0] < shortest <= MONTHS[-1]:
        return min(step for step in MONTHS if step >= shortest)
    power = 10.0 ** math.floor(math.log10(shortest)) if shortest > 1e-300 else 0.0
    return min((step * power for step in STEPS if step * power >= shortest), default=math.inf) if power else math.inf
