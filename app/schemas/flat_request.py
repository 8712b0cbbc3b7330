"""What the requests about flat subjects have in common: units, conventions, weights, groups."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from app.schemas.common import ConventionName, CurveChoice, RequestModel, TimeUnit
from app.schemas.subjects import MAX_COUNT, MAX_TIME, Category, Fault, SubjectColumns, label

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


class FlatRequest(SubjectsRequest):
    """Subjects in groups, and how they are read."""

    group_order: list[Category] | None = Field(
        default=None,
        max_length=1000,
        description="The groups in the answer's order; the first is the reference. Default: as they first appear.",
    )


def group_labels(request: FlatRequest) -> list[Category]:
    """Return the groups in the answer's order, as the column `group` has them; none without it."""
    groups = list(dict.fromkeys(request.subjects.group or ()))
    if request.group_order is None:
        return groups
    place = {label(group): place for place, group in enumerate(request.group_order)}
    return sorted(groups, key=lambda group: place.get(label(group), len(place)))


def flat_faults(request: FlatRequest) -> Iterator[Fault]:
    """Yield what is wrong with weights and groups."""
    yield from weight_faults(request)
    yield from _group_faults(request, group_labels(request))


def weight_faults(request: SubjectsRequest) -> Iterator[Fault]:
    """Yield what is wrong with weights."""
    subjects = request.subjects
    if subjects.weight is None:
        if request.weight_kind == "sampling":
            yield ("weight_kind",), "needs the column weight"
    elif request.weight_kind == "frequency":
        for place, weight in enumerate(subjects.weight):
            if not weight.is_integer():
                yield ("subjects", *subjects.at("weight", place)), "must be a whole number, or weight_kind sampling"
        if sum(subjects.weight) >= MAX_COUNT:
            yield ("subjects", *subjects.at("weight")), "must have weights whose sum is less than 2**53"
    elif not 1 / MAX_SAMPLING_WEIGHT <= min(subjects.weight) <= max(subjects.weight) <= MAX_SAMPLING_WEIGHT:
        for place, weight in enumerate(subjects.weight):
            if not 1 / MAX_SAMPLING_WEIGHT <= weight <= MAX_SAMPLING_WEIGHT:
                yield ("subjects", *subjects.at("weight", place)), "must be 1e-6 to 1e6, as a sampling weight"


def _group_faults(request: FlatRequest, groups: list[Category]) -> Iterator[Fault]:
    if len(groups) > MAX_GROUPS:
        yield ("subjects", *request.subjects.at("group")), f"has more than {MAX_GROUPS} groups"
    if request.group_order is None:
        return
    order = [label(group) for group in request.group_order]
    if request.subjects.group is None:
        yield ("group_order",), "needs the column group"
    elif not {label(group) for group in groups} <= set(order):
        yield ("group_order",), "lacks a group of the subjects"
    for place, name in enumerate(order):
        if name in order[:place]:
            yield ("group_order", place), "is named before"
