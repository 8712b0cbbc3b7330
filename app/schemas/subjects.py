"""Subjects on the wire, as columns or as rows; once they are validated, as columns."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, count
from operator import ge
from typing import Annotated, Any, Literal, NotRequired, Self

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, PrivateAttr, WithJsonSchema, with_config
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

from app.schemas.columns import Coded, Flags, Numbers, Packs, flags, numbers
from app.schemas.common import RequestModel
from app.schemas.faults import FAULT, Fault, Location, refuse

MAX_TIME = 1e15
MAX_COUNT = 2**53
"""Up to here doubles count exactly."""
ROUNDING = 1e-9
"""Rows that overlap by less, relative to their time or absolutely, do so by rounding; the core makes such times one."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An annotation: what is taken for the type, and the one sentence that anything else is refused with."""

    values: Any
    sentence: str

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the values, with our sentence."""
        values = handler.generate_schema(self.values)
        return core_schema.custom_error_schema(values, FAULT, custom_error_message=self.sentence)


Text = Annotated[str, Field(min_length=1, max_length=200)]
_Integer = Annotated[int, Field(gt=-MAX_COUNT, lt=MAX_COUNT)]
_WholeFloat = Annotated[  # to JSON 1.0 is the integer 1
    float,
    Field(gt=-MAX_COUNT, lt=MAX_COUNT, multiple_of=1),
    AfterValidator(int),
    WithJsonSchema({"exclusiveMaximum": MAX_COUNT, "exclusiveMinimum": -MAX_COUNT, "type": "integer"}),
]
Whole = _Integer | _WholeFloat

Category = Annotated[
    str | int | bool,
    Taken(
        Text | Whole | bool,
        "must be a string of 1 to 200 characters, an integer between -2**53 and 2**53, true or false",
    ),
]
"""Of a column all are of one kind: strings, integers or booleans."""

Time = Annotated[float, Field(ge=0, le=MAX_TIME, description="Follow-up time, in `time_unit`.")]
Entry = Annotated[
    float, Field(ge=0, le=MAX_TIME, description="Delayed entry: at risk after `entry` up to and including `time`.")
]
Group = Annotated[Category, Field(description="The group that is compared with others.")]
Stratum = Annotated[Category, Field(description="What comparisons are adjusted for.")]
Cluster = Annotated[Category, Field(description="The same in rows of one patient, for robust standard errors.")]
Weight = Annotated[
    float, Field(gt=0, le=MAX_COUNT, description="How many subjects the row stands for; see `weight_kind`.")
]
Flag = Annotated[bool, Taken(Literal[True, False, 1, 0], "must be true, false, 1 or 0")]
Event = Annotated[Flag, Field(description="Whether the follow-up ended with the event.")]

GroupColumn = Annotated[Coded, Packs(list[Group], Coded.of)]
ClusterColumn = Annotated[Coded, Packs(list[Cluster], Coded.of)]


@with_config(RequestModel.model_config)
class SubjectRow(TypedDict):
    """A subject, whatever is analysed of it. All rows have the same fields."""

    time: Time
    entry: NotRequired[Entry]
    group: NotRequired[Group]
    stratum: NotRequired[Stratum]
    cluster: NotRequired[Cluster]
    weight: NotRequired[Weight]


class Columns(RequestModel):
    """Columns of one length, an item a subject, whatever they hold."""

    _by_row: bool = PrivateAttr(default=False)

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Any]]) -> Self:
        """Return the columns of rows that are sound one by one."""
        refuse(cls._row_faults(rows))
        columns = cls.model_validate(cls._columns_of(rows))
        columns._by_row = True  # noqa: SLF001 - it is our own
        return columns

    @classmethod
    def _row_faults(cls, rows: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
        if not rows:
            yield (), "must have 1 or more items"
        for place, row in enumerate(rows):
            if row.keys() != rows[0].keys():
                yield (place,), "must have the same fields as the first row"

    @classmethod
    def _columns_of(cls, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {name: [row[name] for row in rows] for name in rows[0]}

    def at(self, name: str, place: int | None = None) -> Location:
        """Return where a column or an item of it is, in the form that was sent; in rows no place is a column's."""
        if self._by_row:
            return () if place is None else (place, name)
        return (name,) if place is None else (name, place)

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with items of a column together, and with columns together."""
        columns = {name: column for name, column in self if isinstance(column, list | array | Coded)}
        first = next(iter(columns))
        for name, column in columns.items():
            if len(column) != len(columns[first]):
                yield self.at(name), f"must have as many items as {first}"
        for name in ("group", "stratum", "cluster"):
            labels = columns.get(name)
            if isinstance(labels, Coded) and len({*map(type, labels.levels)}) > 1:
                place = next(place for place, item in enumerate(labels) if type(item) is not type(labels[0]))
                yield self.at(name, place), "must be of the same kind as the first"


class SubjectColumns(Columns):
    """Subjects, whatever is analysed of them: columns of one length, an item a subject."""

    time: Annotated[Numbers, Packs(Annotated[list[Time], Field(min_length=1)], numbers)] = Field(
        description="Follow-up times."
    )
    entry: Annotated[Numbers, Packs(list[Entry], numbers)] | None = Field(
        default=None, description="Times of delayed entry, each below its `time`."
    )
    group: GroupColumn | None = Field(default=None, description="Groups: all strings, all integers or all booleans.")
    stratum: Annotated[Coded, Packs(list[Stratum], Coded.of)] | None = Field(
        default=None, description="Strata, of one kind as groups are."
    )
    cluster: ClusterColumn | None = Field(default=None, description="Clusters, of one kind as groups are.")
    weight: Annotated[Numbers, Packs(list[Weight], numbers)] | None = Field(default=None, description="Weights.")

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with items of a column together, and with columns together."""
        yield from super().faults()
        if self.entry is not None and len(self.entry) == len(self.time):
            for place in compress(count(), map(ge, self.entry, self.time)):
                yield self.at("entry", place), "must be below its time"


def places_by_id(ids: Iterable[Category]) -> list[list[int]]:
    """Return the places of the rows of each subject."""
    places: dict[Category, list[int]] = {}
    for place, subject in enumerate(ids):
        places.setdefault(subject, []).append(place)
    return list(places.values())


def overlap_faults(columns: SubjectColumns, places: Iterable[int]) -> Iterator[Fault]:
    """Yield where rows of one subject, at these places, overlap."""
    entries, end = columns.entry or array("d", [0.0]) * len(columns.time), 0.0
    for entry, time, place in sorted((entries[place], columns.time[place], place) for place in places):
        if end - entry > ROUNDING * max(1.0, end):
            location = columns.at("entry" if columns.entry else "id", place)
            yield location, "must not be before the end of another row of its id"
        end = max(end, time)


@dataclass(frozen=True, slots=True)
class OrRows:
    """An annotation of a model of columns: rows are taken as well, and made columns."""

    row: Any

    def __get_pydantic_core_schema__(self, source: type[Columns], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of either form, with the checks that both have in common."""

        def checked(value: Columns | list[Mapping[str, Any]]) -> Columns:
            columns = value if isinstance(value, Columns) else source.of_rows(value)
            refuse(columns.faults())
            return columns

        # At least one row, by _row_faults: pydantic would add, of no rows, that they are no object.
        rows = Annotated[list[self.row], Field(json_schema_extra={"minItems": 1})]  # type: ignore[name-defined]
        forms = core_schema.union_schema([handler(source), handler.generate_schema(rows)])
        return core_schema.no_info_after_validator_function(checked, forms)


@with_config(RequestModel.model_config)
class SurvivalRow(SubjectRow):
    """A subject's follow-up, and whether it ended with the event. All rows have the same fields."""

    event: Event


class SurvivalColumns(SubjectColumns):
    """Follow-up of subjects, and whether it ended with the event: columns of one length, an item a subject."""

    event: Annotated[Flags, Packs(list[Event], flags)] = Field(description="Whether each had the event.")


SurvivalSubjects = Annotated[SurvivalColumns, OrRows(SurvivalRow)]


def label(category: Category) -> str:
    """Return a group's label in an answer.

    Examples
    --------
    >>> label("ablation"), label(1), label(True)
    ('ablation', '1', 'true')
    """
    return str(category).lower() if isinstance(category, bool) else str(category)
