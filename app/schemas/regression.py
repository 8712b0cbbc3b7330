"""What the requests of `POST /v1/regression/*` have in common: subjects with covariates, and which of these to use."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, with_config
from pydantic.json_schema import SkipJsonSchema

from app.schemas.common import RequestModel
from app.schemas.competing_risks import Cause, CauseColumns
from app.schemas.faults import Fault, Location
from app.schemas.flat_request import SubjectsRequest, weight_faults
from app.schemas.subjects import (
    MAX_TIME,
    Category,
    Event,
    SubjectColumns,
    SubjectRow,
    SurvivalColumns,
    Taken,
    Text,
    overlap_faults,
    places_by_id,
)

MAX_COVARIATES = 100
MAX_COEFFICIENTS = 200
MAX_PROFILES = 100
MAX_STRATA = 50
"""With more there are no baseline hazards, and no predictions."""
MAX_POINTS = 1_000_000
"""Of full curves: all profiles at the times of all rows."""
MAX_RATES = 20_000
"""Of a model: all profiles at all landmarks, in each of a few strata."""

Value = float | bool | str

_Number = Annotated[float, Field(ge=-MAX_TIME, le=MAX_TIME)]
_KINDS = "a number from -1e15 to 1e15, true, false or a string of 1 to 200 characters"
Cell = Annotated[float | bool | str | None, Taken(_Number | bool | Text | None, f"must be {_KINDS}, or null")]
"""Of a column all but nulls, which are missing, are of one kind: numbers, booleans or strings."""
ProfileValue = Annotated[float | bool | str, Taken(_Number | bool | Text, f"must be {_KINDS}")]
Level = Annotated[bool | str, Taken(bool | Text, "must be true, false or a string of 1 to 200 characters")]
Id = Annotated[Category, Field(description="The same in rows of one subject, which must not overlap.")]
_NoGroup = Annotated[None, Taken(None, "is not used here: send it as a covariate"), SkipJsonSchema()]


@with_config(RequestModel.model_config)
class RegressionRow(SubjectRow):
    """A subject with its covariates, whatever is modelled. All rows have the same fields and the same covariates."""

    covariates: Annotated[
        dict[Text, Cell],
        Field(min_length=1, max_length=MAX_COVARIATES, description="Values by name; `null` is missing."),
    ]
    group: NotRequired[_NoGroup]  # type: ignore[misc]
    id: NotRequired[Id]


class RegressionColumns(SubjectColumns):
    """Subjects with their covariates, whatever is modelled: columns of one length, an item a subject."""

    covariates: dict[Text, list[Cell]] = Field(
        min_length=1,
        max_length=MAX_COVARIATES,
        description="Columns by name, each all numbers, all booleans or all strings (factors); `null` is missing.",
    )
    group: _NoGroup = Field(default=None, description="Not taken.")
    id: list[Id] | None = Field(
        default=None,
        description="Subjects of counting-process rows, which must not overlap; of one kind as groups are.",
    )

    @classmethod
    def _columns_of(cls, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        columns = super()._columns_of(rows)
        columns.pop("group", None)
        names = rows[0]["covariates"]
        return columns | {"covariates": {name: [row["covariates"].get(name) for row in rows] for name in names}}

    @classmethod
    def _row_faults(cls, rows: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
        yield from super()._row_faults(rows)
        for place, row in enumerate(rows):
            if row["covariates"].keys() != rows[0]["covariates"].keys():
                yield (place, "covariates"), "must have the same names as in the first row"

    def cell(self, name: str, place: int | None = None) -> Location:
        """Return where a covariate or a value of it is, in the form that was sent; in rows only a value has a place."""
        if self._by_row:
            return () if place is None else (place, "covariates", name)
        return ("covariates", name) if place is None else ("covariates", name, place)

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with items of a column together, and with columns together."""
        found = [*super().faults(), *self._covariate_faults()]
        yield from found
        if self.id is not None and not found:
            yield from self._id_faults(self.id)

    def _covariate_faults(self) -> Iterator[Fault]:
        for name, column in self.covariates.items():
            if len(column) != len(self.time):
                yield self.cell(name), "must have as many items as time"
            kind: type | None = None
            for place, value in enumerate(column):
                kind = kind or (None if value is None else type(value))
                if value is not None and type(value) is not kind:
                    yield self.cell(name, place), "must be of the same kind as the first"
                    break

    def _id_faults(self, ids: Sequence[Category]) -> Iterator[Fault]:
        for place, subject in enumerate(ids):
            if type(subject) is not type(ids[0]):
                yield self.at("id", place), "must be of the same kind as the first"
                return
        for places in places_by_id(ids):
            yield from overlap_faults(self, places)


@with_config(RequestModel.model_config)
class EventRegressionRow(RegressionRow):
    """A subject with its covariates, and whether its follow-up ended with the event."""

    event: Event


class EventRegressionColumns(RegressionColumns, SurvivalColumns):
    """Subjects with their covariates, and whether the follow-up ended with the event: columns of one length."""


@with_config(RequestModel.model_config)
class CauseRegressionRow(RegressionRow):
    """A subject with its covariates, and the cause that ended its follow-up."""

    cause: Cause


class CauseRegressionColumns(RegressionColumns, CauseColumns):
    """Subjects with their covariates, and the causes that ended the follow-up: columns of one length."""


class RegressionRequest(SubjectsRequest):
    """Subjects with their covariates, and which of these a model has; its heirs say of which kind `subjects` are."""

    subjects: RegressionColumns = Field(description="An object of equally long arrays, or an array of objects.")
    terms: list[Text] | None = Field(
        default=None, min_length=1, max_length=MAX_COVARIATES, description="Covariates in the model. Default: all."
    )
    reference_levels: dict[Text, Level] = Field(
        default={},
        max_length=MAX_COVARIATES,
        description="Levels that others of a factor are compared with. Default: the first in sorted order.",
    )
    missing: Literal["refuse", "drop"] = Field(
        default="refuse", description="Whether rows with a missing covariate are refused, or left out and counted."
    )
    robust: bool | None = Field(
        default=None,
        description="Whether standard errors are robust: by cluster, else by id, else by row. Default: with clusters "
        "or sampling weights.",
    )
    predict_for: list[Annotated[dict[Text, ProfileValue], Field(max_length=MAX_COVARIATES)]] = Field(
        default=[],
        max_length=MAX_PROFILES,
        description="Profiles that are predicted for, each a value of every term of the model. Profiles times "
        f"`landmarks` times strata are at most {MAX_RATES}.",
    )


def term_names(request: RegressionRequest) -> list[str]:
    """Return the covariates in the model, in its order."""
    return list(request.subjects.covariates) if request.terms is None else request.terms


def complete_rows(request: RegressionRequest) -> list[int]:
    """Return the places of the rows in which no covariate of the model is missing."""
    columns = [request.subjects.covariates[name] for name in term_names(request)]
    if all(None not in column for column in columns):
        return [*range(len(request.subjects.time))]
    return [place for place, values in enumerate(zip(*columns, strict=True)) if None not in values]


def regression_faults(request: RegressionRequest) -> Iterator[Fault]:
    """Yield what is wrong with weights, sizes, terms, missing values, levels and profiles; others rely on the terms."""
    yield from weight_faults(request)
    if request.robust is False and request.weight_kind == "sampling":
        yield ("robust",), "must not be false with sampling weights"
    yield from _rate_faults(request)
    terms = list(_term_faults(request))
    yield from terms or _value_faults(request)


def prediction_faults(request: RegressionRequest) -> Iterator[Fault]:
    """Yield a fault where predictions are wanted for more strata than have a baseline hazard, or at too many times."""
    if request.curve == "full" and len(request.predict_for) * len(request.subjects.time) > MAX_POINTS:
        detail = f"make more than {MAX_POINTS} points of full curves, profiles times rows of subjects"
        yield ("predict_for",), f"{detail}: set curve to none or max_points"
    if request.predict_for and _strata(request) > MAX_STRATA:
        yield ("predict_for",), f"must be empty with more than {MAX_STRATA} strata"


def _rate_faults(request: RegressionRequest) -> Iterator[Fault]:
    profiles, landmarks = len(request.predict_for), len(request.landmarks)
    if profiles * landmarks * (_strata(request) or 1) > MAX_RATES:
        detail = f"make more than {MAX_RATES} rates: profiles times landmarks times strata"
        yield ("predict_for" if profiles > landmarks else "landmarks",), detail


def _strata(request: RegressionRequest) -> int:
    return 0 if request.subjects.stratum is None else len(request.subjects.stratum.levels)


def _term_faults(request: RegressionRequest) -> Iterator[Fault]:
    names = request.terms or []
    for place, name in enumerate(names):
        if name not in request.subjects.covariates:
            yield ("terms", place), "is no covariate of the subjects"
        elif name in names[:place]:
            yield ("terms", place), "is named before"


def _value_faults(request: RegressionRequest) -> Iterator[Fault]:
    subjects, kept = request.subjects, complete_rows(request)
    columns = {name: subjects.covariates[name] for name in term_names(request)}
    if request.missing == "refuse" and len(kept) < len(subjects.time):
        for name, column in columns.items():
            for place, value in enumerate(column):
                if value is None:
                    yield ("subjects", *subjects.cell(name, place)), 'is missing; see missing: "drop"'
        return
    if not kept:
        yield ("missing",), "leaves no row"
        return
    levels = {name: {columns[name][place] for place in kept} for name in columns if _is_factor(columns[name])}
    if len(columns) - len(levels) + sum(len(known) - 1 for known in levels.values()) > MAX_COEFFICIENTS:
        yield ("subjects", *subjects.at("covariates")), f"make more than {MAX_COEFFICIENTS} coefficients"
    yield from _level_faults(request.reference_levels, levels)
    for place, profile in enumerate(request.predict_for):
        for location, detail in _profile_faults(profile, columns, levels):
            yield ("predict_for", place, *location), detail


def _is_factor(column: Sequence[Value | None]) -> bool:
    return not any(isinstance(value, float) for value in column)


def _level_faults(chosen: Mapping[str, Value], levels: Mapping[str, set[Any]]) -> Iterator[Fault]:
    for name, level in chosen.items():
        if name not in levels:
            yield ("reference_levels", name), "is no factor of the model"
        elif level not in levels[name]:
            yield ("reference_levels", name), "is no level of the covariate"


def _profile_faults(
    profile: Mapping[str, Value], columns: Mapping[str, Sequence[Any]], levels: Mapping[str, set[Any]]
) -> Iterator[Fault]:
    if profile.keys() != columns.keys():
        yield (), "must have every term of the model, and nothing else"
    for name in filter(columns.__contains__, profile):
        if name not in levels:
            if not isinstance(profile[name], float):
                yield (name,), "must be a number, as the covariate is"
        elif isinstance(profile[name], float) or profile[name] not in levels[name]:
            yield (name,), "is no level of the covariate"
