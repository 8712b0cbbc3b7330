"""What the requests about flat subjects have in common: units, conventions, weights, groups."""

from collections.abc import Iterator, Sequence
from itertools import compress, count
from operator import not_
from typing import Annotated, Literal

from pydantic import Field

from app.schemas.columns import Coded
from app.schemas.common import ConventionName, CurveChoice, RequestModel, TimeUnit
from app.schemas.faults import Fault, Location, repeated
from app.schemas.subjects import MAX_COUNT, MAX_TIME, Category, SubjectColumns, label

MAX_GROUPS = 50
MAX_SAMPLING_WEIGHT = 1e6
SUBJECTS = "An object of equally long arrays, or an array of objects."

TimePoint = Annotated[float, Field(ge=0, le=MAX_TIME)]


class SubjectsRequest(RequestModel):
    """Subjects, and how they are read, whatever is estimated of them."""

    subjects: SubjectColumns = Field(description=SUBJECTS)
    time_unit: TimeUnit = Field(default="months", description="Unit of every time in the request and in the answer.")
    convention: ConventionName = Field(default="r", description="The package whose figures these are to be.")
    confidence_level: float = Field(default=0.95, gt=0, lt=1, description="Level of every interval.")
    weight_kind: Literal["frequency", "sampling"] = Field(
        default="frequency", description="Frequencies are whole numbers; sampling weights give robust errors."
    )
    landmarks: list[TimePoint] = Field(default=[], max_length=200, description="Times at which rates are wanted.")
    curve: CurveChoice = "full"

    @property
    def rows(self) -> int:
        """How many rows of subjects there are."""
        return len(self.subjects.time)


class FlatRequest(SubjectsRequest):
    """Subjects in groups, and how they are read."""

    group_order: list[Category] | None = Field(
        default=None,
        max_length=1000,
        description="The groups in the answer's order; the first is the reference. Default: as they first appear.",
    )


def group_labels(request: FlatRequest) -> list[Category]:
    """Return the groups in the answer's order, as the column `group` has them; none without it."""
    return in_order(request.subjects.group, request.group_order)


def in_order(column: Coded | None, order: Sequence[Category] | None) -> list[Category]:
    """Return the groups of a column in the order asked for, else as they first appear."""
    place = {label(group): place for place, group in enumerate(order or ())}
    return sorted([] if column is None else column.levels, key=lambda group: place.get(label(group), len(place)))


def flat_faults(request: FlatRequest) -> Iterator[Fault]:
    """Yield what is wrong with weights and groups."""
    yield from weight_faults(request)
    subjects = request.subjects
    yield from group_faults(subjects.group, request.group_order, ("subjects", *subjects.at("group")))


def weight_faults(request: SubjectsRequest) -> Iterator[Fault]:
    """Yield what is wrong with weights."""
    subjects = request.subjects
    if subjects.weight is None:
        if request.weight_kind == "sampling":
            yield ("weight_kind",), "needs the column weight"
    elif request.weight_kind == "frequency":
        for place in compress(count(), map(not_, map(float.is_integer, subjects.weight))):
            yield ("subjects", *subjects.at("weight", place)), "must be a whole number, or weight_kind sampling"
        if sum(subjects.weight) >= MAX_COUNT:
            yield ("subjects", *subjects.at("weight")), "must have weights whose sum is less than 2**53"
    elif not 1 / MAX_SAMPLING_WEIGHT <= min(subjects.weight) <= max(subjects.weight) <= MAX_SAMPLING_WEIGHT:
        for place, weight in enumerate(subjects.weight):
            if not 1 / MAX_SAMPLING_WEIGHT <= weight <= MAX_SAMPLING_WEIGHT:
                yield ("subjects", *subjects.at("weight", place)), "must be 1e-6 to 1e6, as a sampling weight"


def group_faults(column: Coded | None, order: Sequence[Category] | None, location: Location) -> Iterator[Fault]:
    """Yield what is wrong with groups, whose column is at the location, and with the order asked for."""
    groups = in_order(column, order)
    if len(groups) > MAX_GROUPS:
        yield location, f"has more than {MAX_GROUPS} groups"
    if order is None:
        return
    names = [label(group) for group in order]
    if column is None:
        yield ("group_order",), "needs the column group"
    elif not {label(group) for group in groups} <= {*names}:
        yield ("group_order",), "lacks a group of the subjects"
    yield from repeated(names, "group_order")
