"""Responses about cumulative incidence under competing risks."""

from pydantic import Field

from app.schemas.common import (
    AtRisk,
    AtRiskSeries,
    Count,
    ErrorSeries,
    Label,
    Lower,
    LowerSeries,
    Probability,
    ProbabilityError,
    Reason,
    ResponseModel,
    Test,
    Time,
    Times,
    Upper,
    UpperSeries,
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
