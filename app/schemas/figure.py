"""How a figure is to look, for requests whose answer may be one."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field

from app.schemas.common import RequestModel
from app.schemas.faults import Fault, repeated
from app.schemas.subjects import MAX_TIME, Text

MAX_NAMES = 50
FIGURE = "How the figure looks, where `Accept` asks for one; a JSON answer is the same with any."

Names = Annotated[dict[str, Text], Field(max_length=MAX_NAMES)]


class FigureLabels(RequestModel):
    """Words in a figure instead of those that it has of itself."""

    title: Text | None = Field(default=None, description="Title above the figure. Default: none.")
    time: Text | None = Field(default=None, description="Name of the time axis. Default: Time, and its unit.")
    value: Text | None = Field(default=None, description="Name of the other axis. Default: what is estimated.")
    groups: Names = Field(default={}, description="Names for groups, by their labels in the JSON answer.")


class IncidenceFigureLabels(FigureLabels):
    """Words in a figure of cumulative incidences instead of those that it has of itself."""

    causes: Names = Field(default={}, description="Names for causes, by their names in the JSON answer.")


class Figure(RequestModel):
    """How a figure looks."""

    width: int = Field(default=800, ge=320, le=3000, description="Width in px.")
    height: int | None = Field(
        default=None,
        ge=240,
        le=3000,
        description="Height in px. Where the curves would have less than 40 % of it, the table is drawn simpler or not "
        "at all; where many panels need more, the figure is higher. Default: what the curves and the table need.",
    )
    time_breaks: list[Annotated[float, Field(ge=0, le=MAX_TIME)]] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="Ticks of the time axis, and columns of the table as far as they have room. Default: round times.",
    )
    at_risk: Literal["extended", "simple", "none"] = Field(
        default="extended",
        description="Table under the time axis: numbers at risk, censored and with events (KMunicate), as in "
        "`risk_table`; numbers at risk only; or none.",
    )
    until: float | None = Field(
        default=None,
        gt=0,
        le=MAX_TIME,
        description="End of the time axis. Default: the last of `time_breaks`, or without them the last time at which "
        "10 % of the largest number at risk, all groups together, are still at risk.",
    )
    percent: bool = Field(default=False, description="Whether probabilities are shown from 0 to 100 %.")
    labels: FigureLabels = FigureLabels()


class IncidenceFigure(Figure):
    """How a figure of cumulative incidences looks."""

    labels: IncidenceFigureLabels = IncidenceFigureLabels()


def figure_faults(figure: Figure, start: float, groups: Iterable[str]) -> Iterator[Fault]:
    """Yield what is wrong with the times of a figure that begins at `start`, and with names of groups."""
    breaks = figure.time_breaks or []
    if figure.until is not None and figure.until <= start:
        yield ("figure", "until"), "must be after start_time"
    for place, time in enumerate(breaks):
        if time < start:
            yield ("figure", "time_breaks", place), "must not be before start_time"
        if figure.until is not None and time > figure.until:
            yield ("figure", "time_breaks", place), "must not be after until"
    for location, detail in repeated(breaks, "time_breaks"):
        yield ("figure", *location), detail
    yield from name_faults(figure.labels.groups, "groups", groups, "is no group of the subjects")


def name_faults(names: Iterable[str], field: str, known: Iterable[str], detail: str) -> Iterator[Fault]:
    """Yield the names that are given to what is not known."""
    for name in sorted({*names} - {*known}):
        yield ("figure", "labels", field, name), detail
