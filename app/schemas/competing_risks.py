"""Request and response of `POST /v1/competing-risks`: cumulative incidence of several causes."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator, with_config

from app.schemas.columns import Coded, Packs
from app.schemas.common import (
    AtRisk,
    AtRiskSeries,
    ConfidenceType,
    Count,
    ErrorSeries,
    Label,
    Lower,
    LowerSeries,
    Meta,
    Probability,
    ProbabilityError,
    Reason,
    RequestModel,
    ResponseModel,
    Test,
    Time,
    Times,
    Upper,
    UpperSeries,
)
from app.schemas.faults import Fault, refuse, repeated
from app.schemas.figure import FIGURE, IncidenceFigure, figure_faults, name_faults
from app.schemas.flat_request import SUBJECTS, FlatRequest, flat_faults, group_labels
from app.schemas.subjects import (
    OrRows,
    SubjectColumns,
    SubjectRow,
    Taken,
    Text,
    Whole,
    label,
)
from app.schemas.survival import Curve, Quantile, Rate


class IncidenceRate(ResponseModel):
    """Cumulative incidence at a landmark."""

    time: Time
    at_risk: AtRisk
    events: Count = Field(description="Events of this cause up to and including `time`.")
    cumulative_incidence: Probability | None = Field(
        description="Probability of an event of this cause up to and including `time`, or `null`."
    )
    standard_error: ProbabilityError
    lower: Lower
    upper: Upper
    reason: Reason


class IncidenceCurve(ResponseModel):
    """Cumulative incidence of a cause: one row a distinct follow-up time."""

    time: Times
    at_risk: AtRiskSeries
    events: list[float] = Field(description="Events of this cause at each time.")
    cumulative_incidence: list[float] = Field(
        description="Probability of an event of this cause up to and including each time."
    )
    standard_error: ErrorSeries
    lower: LowerSeries
    upper: UpperSeries


class CauseIncidence(ResponseModel):
    """One of the causes."""

    cause: str = Field(description="Name of the cause.")
    events: Count = Field(description="Events of this cause.")
    rates: list[IncidenceRate] = Field(description="One a requested landmark.")
    median: Quantile = Field(description="The time by which half of the subjects have had an event of this cause.")
    curve: IncidenceCurve | None = Field(description='`null` where the request has `curve: "none"`.')


class EventFree(ResponseModel):
    """Probability of no event of any cause; with the incidences of the causes it sums to 1 at every time."""

    rates: list[Rate] = Field(description="One a requested landmark.")
    curve: Curve | None = Field(description='`null` where the request has `curve: "none"`.')


class IncidenceGroup(ResponseModel):
    """Cumulative incidences of one sample, by the Aalen-Johansen estimator."""

    label: Label
    subjects: Count
    censored: Count = Field(description="Subjects without an event of any cause.")
    event_free: EventFree
    causes: list[CauseIncidence] = Field(description="One a cause, that of interest first.")


class CauseTest(Test):
    """Gray's test of equal cumulative incidences of a cause."""

    cause: str = Field(description="Name of the cause.")


class CompetingRisks(ResponseModel):
    """Cumulative incidences by group and cause."""

    groups: list[IncidenceGroup] = Field(description="One labelled `all` without groups.")
    comparison: list[CauseTest] | None = Field(description="`null` without groups.")


class CompetingRisksResponse(ResponseModel):
    """Cumulative incidences of a sample, by group and cause."""

    meta: Meta
    groups: list[IncidenceGroup] = Field(description="One labelled `all` without groups.")
    comparison: list[CauseTest] | None = Field(description="One test a cause; `null` with fewer than two groups.")


MAX_CAUSES = 20
CauseName = Annotated[
    str | int,
    Taken(Text | Whole, "must be a string of 1 to 200 characters or an integer between -2**53 and 2**53"),
]
Cause = Annotated[
    str | int | None,
    Taken(
        Text | Whole | None,
        "must be null, a string of 1 to 200 characters or an integer between -2**53 and 2**53",
    ),
    Field(description="What ended the follow-up; `null` is a censoring."),
]


@with_config(RequestModel.model_config)
class CauseRow(SubjectRow):
    """A subject's follow-up, and the cause that ended it. All rows have the same fields."""

    cause: Cause


class CauseColumns(SubjectColumns):
    """Follow-up of subjects, and the causes that ended it: columns of one length, an item a subject."""

    cause: Annotated[Coded, Packs(list[Cause], Coded.of)] = Field(
        description="What ended each follow-up: all strings or all integers, `null` if censored."
    )

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with items of a column together, and with columns together."""
        yield from super().faults()
        kinds = dict.fromkeys(type(cause) for cause in self.cause.levels if cause is not None)
        for place, cause in enumerate(self.cause if len(kinds) > 1 else ()):
            if cause is not None and type(cause) is not next(iter(kinds)):
                yield self.at("cause", place), "must be of the same kind as the first"


class CompetingRisksRequest(FlatRequest):
    """Subjects whose follow-up can end by several causes, and what is estimated of them."""

    subjects: Annotated[CauseColumns, OrRows(CauseRow)] = Field(description=SUBJECTS)
    confidence_type: ConfidenceType = Field(default="log-log", description="Interval of incidences and of survival.")
    causes: list[CauseName] | None = Field(
        default=None,
        max_length=MAX_CAUSES,
        description="The causes in the answer's order. Default: as they first appear.",
    )
    figure: IncidenceFigure = Field(default=IncidenceFigure(), description=FIGURE)

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(_faults(self))
        return self


def cause_names(request: CompetingRisksRequest) -> list[str | int]:
    """Return the causes in the answer's order, as the column `cause` has them."""
    found = [cause for cause in request.subjects.cause.levels if cause is not None]
    return found if request.causes is None else request.causes


def _faults(request: CompetingRisksRequest) -> Iterator[Fault]:
    yield from flat_faults(request)
    yield from figure_faults(request.figure, 0, map(label, group_labels(request)))
    known = map(label, cause_names(request))
    yield from name_faults(request.figure.labels.causes, "causes", known, "is no cause of the request")
    found, named = {*request.subjects.cause.levels} - {None}, request.causes
    if named is None:
        if len(found) > MAX_CAUSES:
            yield ("subjects", *request.subjects.at("cause")), f"has more than {MAX_CAUSES} causes"
        return
    if not found <= {*named}:
        yield ("causes",), "lacks a cause of the subjects"
    yield from repeated(named, "causes")
