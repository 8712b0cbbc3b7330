"""Request and response of `POST /v1/recurrences`: recurrent events of subjects."""

from collections.abc import Iterator
from typing import Annotated, Literal, NotRequired, Self

from pydantic import Field, model_validator, with_config
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict

from app.schemas.columns import Flags, Packs, flags
from app.schemas.common import (
    NULL,
    AtRisk,
    AtRiskSeries,
    ConfidenceType,
    ConventionName,
    ErrorSeries,
    Label,
    LowerSeries,
    Meta,
    PValue,
    Ratio,
    RatioLower,
    RatioUpper,
    Reason,
    RequestModel,
    ResponseModel,
    Test,
    Time,
    Times,
    UpperSeries,
)
from app.schemas.competing_risks import IncidenceGroup
from app.schemas.faults import Fault, refuse
from app.schemas.flat_request import SUBJECTS, FlatRequest, flat_faults
from app.schemas.subjects import (
    MAX_TIME,
    Category,
    Cluster,
    Entry,
    Flag,
    Group,
    OrRows,
    SubjectColumns,
    overlap_faults,
    places_by_id,
)
from app.schemas.subjects import Time as RowTime

Id = Annotated[Category, Field(description="The subject that the row is of.")]
Recurrence = Annotated[Flag, Field(description="Whether a recurrence is at the end of the row.")]
Terminal = Annotated[Flag, Field(description="Whether death, which ends recurrences, is at the end of the row.")]


@with_config(RequestModel.model_config)
class RecurrenceRow(TypedDict):
    """A period of a subject, and what is at its end. All rows have the same fields."""

    id: Id
    time: RowTime
    event: Recurrence
    terminal: NotRequired[Terminal]
    entry: NotRequired[Entry]
    group: NotRequired[Group]
    cluster: NotRequired[Cluster]


class RecurrenceColumns(SubjectColumns):
    """Periods of subjects, and what is at their ends: columns of one length, an item a period.

    Without `entry` a subject's period begins where the one before it ends, the first at 0.
    """

    id: list[Id] = Field(description="The subjects of the periods: all strings, all integers or all booleans.")
    event: Annotated[Flags, Packs(list[Recurrence], flags)] = Field(
        description="Whether a recurrence is at the end of each period."
    )
    terminal: Annotated[Flags, Packs(list[Terminal], flags)] | None = Field(
        default=None, description="Whether death, which ends recurrences, is at the end of each; with or without one."
    )
    stratum: SkipJsonSchema[None] = Field(default=None, description="Not taken.")
    weight: SkipJsonSchema[None] = Field(default=None, description="Not taken.")

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with items of a column together, and with the rows of a subject together."""
        found = list(super().faults())
        yield from found
        for place, item in enumerate(self.id):
            if type(item) is not type(self.id[0]):
                yield self.at("id", place), "must be of the same kind as the first"
                return
        if any(detail == "must have as many items as time" for _, detail in found):
            return
        for places in places_by_id(self.id):
            yield from self._constancy_faults(places)
            yield from self._closing_faults(places)
            yield from () if self.entry is None else overlap_faults(self, places)

    def _constancy_faults(self, places: list[int]) -> Iterator[Fault]:
        for name in ("group", "cluster"):
            column = getattr(self, name)
            for place in places[1:] if column else ():
                if column[place] != column[places[0]]:
                    yield self.at(name, place), "must be the same in all rows of an id"

    def _closing_faults(self, places: list[int]) -> Iterator[Fault]:
        closing = sorted((self.time[place], place) for place in places if self._closes(place))
        for _, place in closing[1:]:
            yield self.at("time", place), "must not close an id that another row closes"
        for place in places if closing else ():
            if self.time[place] > closing[0][0] and not self._closes(place):
                yield self.at("time", place), "must not be after the row that closes its id"

    def _closes(self, place: int) -> bool:
        if self.terminal is not None and self.terminal[place]:
            return True
        return self.entry is None and not self.event[place]


class RecurrencesRequest(FlatRequest):
    """Subjects with their recurrences, and what is estimated of them."""

    subjects: Annotated[RecurrenceColumns, OrRows(RecurrenceRow)] = Field(description=SUBJECTS)
    convention: ConventionName = Field(
        default="r",
        description="Beyond the last follow-up figures are carried forward (`r`) or `null` (the other packages).",
    )
    confidence_type: ConfidenceType = Field(
        default="log-log", description="Interval of incidences of the first recurrence."
    )
    count_confidence_type: Literal["log", "plain"] = Field(
        default="log", description="Interval of mean cumulative counts, which are no probabilities."
    )
    per: float = Field(
        default=1, gt=0, le=MAX_TIME, description="Rates are for so much time at risk, in `time_unit`: 100 for per 100."
    )
    weight_kind: SkipJsonSchema[Literal["frequency"]] = Field(default="frequency", description="Not taken.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(flat_faults(self))
        return self


class RecurrenceCount(ResponseModel):
    """How many subjects had so many recurrences."""

    recurrences: int = Field(description="Number of recurrences.")
    subjects: int = Field(description="Subjects with so many.")


class RecurrenceRate(ResponseModel):
    """Recurrences per time at risk, with exact Poisson limits."""

    estimate: float | None = Field(ge=0, description=f"Recurrences per `per` of the time at risk; {NULL}")
    lower: float | None = Field(ge=0, description=f"Lower limit at `confidence_level`; {NULL}")
    upper: float | None = Field(ge=0, description=f"Upper limit at `confidence_level`; {NULL}")
    per: float = Field(gt=0, description="The time at risk that the rate is for, in `time_unit`.")
    reason: Reason


class MeanCumulativeCountCurve(ResponseModel):
    """Mean number of recurrences: one row a time at which periods end, or fewer where `max_points` says so."""

    time: Times
    at_risk: AtRiskSeries
    events: list[float] = Field(description="Recurrences at each time, and since the row before.")
    estimate: list[float] = Field(description="Mean recurrences of a subject up to and including each time.")
    standard_error: ErrorSeries
    lower: LowerSeries
    upper: UpperSeries


class MeanCumulativeCountAt(ResponseModel):
    """Mean number of recurrences up to and including a landmark."""

    time: Time
    at_risk: AtRisk
    recurrences: float = Field(ge=0, description="Recurrences up to and including `time`.")
    estimate: float | None = Field(
        ge=0, description=f"Mean recurrences of a subject up to and including `time`; {NULL}"
    )
    standard_error: float | None = Field(ge=0, description=f"Robust standard error of the mean; {NULL}")
    lower: float | None = Field(ge=0, description=f"Lower limit at `confidence_level`; {NULL}")
    upper: float | None = Field(ge=0, description=f"Upper limit at `confidence_level`; {NULL}")
    reason: Reason


class RecurrenceGroup(ResponseModel):
    """Recurrences of a group."""

    label: Label
    subjects: int = Field(description="Number of subjects.")
    subjects_with_recurrence: int = Field(description="Subjects with one recurrence or more.")
    recurrences: int = Field(description="Number of recurrences.")
    deaths: int = Field(description="Subjects whose follow-up ended by death.")
    counts: list[RecurrenceCount] = Field(description="How many subjects had how many recurrences, of those that had.")
    person_time: float = Field(description="Time at risk of all subjects together, in `time_unit`.")
    rate: RecurrenceRate
    mean_cumulative_count: MeanCumulativeCountCurve | None = Field(
        description='`null` where the request has `curve: "none"`.'
    )
    landmarks: list[MeanCumulativeCountAt] = Field(description="The mean cumulative count at each requested landmark.")
    first_recurrence: IncidenceGroup = Field(
        description="Cumulative incidence of the first recurrence, death competing where `terminal` was sent."
    )


class RateRatio(ResponseModel):
    """Rate of a group in relation to that of the reference, the first group, with exact limits."""

    label: Label
    reference: Label = Field(description="Label of the reference, the first group.")
    rate_ratio: Ratio
    lower: RatioLower
    upper: RatioUpper
    p_value: PValue
    reason: Reason


class RecurrenceComparison(ResponseModel):
    """The groups compared."""

    rate_ratios: list[RateRatio] = Field(description="One a group but the reference.")
    mean_cumulative_count_test: Test = Field(description="The test of equal mean cumulative counts.")


class RecurrencesResponse(ResponseModel):
    """Recurrences of a sample by group."""

    meta: Meta
    groups: list[RecurrenceGroup] = Field(description="One labelled `all` without groups.")
    comparison: RecurrenceComparison | None = Field(description="`null` with fewer than two groups.")
