"""Request and response of `POST /v1/outcomes`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.schemas.cohort import Cohort
from app.schemas.common import (
    ConfidenceType,
    ConventionName,
    CountedReason,
    CurveChoice,
    Label,
    Meta,
    Proportion,
    ProportionInterval,
    RequestModel,
    ResponseModel,
    Test,
    TimeUnit,
)
from app.schemas.competing_risks import CauseTest, CompetingRisks, IncidenceGroup
from app.schemas.endpoints import Definition, EndpointField, EndpointName, Excluded, Unit
from app.schemas.faults import refuse, repeated
from app.schemas.groupings import Grouping, grouping_faults
from app.schemas.survival import Comparison, FollowUp, SurvivalEstimate

GroupingName = Annotated[str, Field(description="Name of the grouping, as in the request.")]
TestName = Literal["fisher", "chi-squared", "trend", "log-rank"]


class OutcomesRequest(RequestModel):
    """A treatment cohort, and how its outcomes are summarised."""

    cohort: Cohort
    groupings: list[Grouping] = Field(default=[], max_length=20, description="How patients or lesions are compared.")
    endpoints: list[EndpointName] = Field(
        default=["overall_survival", "local_progression"],
        max_length=20,
        description="Time-to-event end points, in the answer's order.",
    )
    convention: ConventionName = Field(default="r", description="The package whose figures these are to be.")
    confidence_level: float = Field(default=0.95, gt=0, lt=1, description="Level of every interval.")
    confidence_type: ConfidenceType | None = Field(
        default=None,
        description="Interval of survival probabilities and of cumulative incidences. Default: the convention's for "
        "survival (`r` log, `sas` and `stata` log-log, `spss` plain), log-log for cumulative incidences.",
    )
    landmarks: list[Annotated[float, Field(ge=0)]] = Field(
        default=[], max_length=200, description="Times, in `time_unit`, at which rates are wanted."
    )
    interval: ProportionInterval = Field(default="wilson", description="Interval of proportions.")
    tests: list[TestName] = Field(
        default=["fisher", "log-rank"],
        max_length=20,
        description="`fisher`, `chi-squared` and `trend` compare proportions, `log-rank` compares end points.",
    )
    curve: CurveChoice = "full"
    periprocedural_days: int = Field(
        default=30, ge=0, le=365, description="Days after a session within which a death is periprocedural."
    )

    @property
    def rows(self) -> int:
        """How many patients there are."""
        return len(self.cohort.patients)

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults = (
            *repeated(self.endpoints, "endpoints"),
            *repeated(self.tests, "tests"),
            *grouping_faults(self.groupings, self.cohort),
        )
        refuse(faults)
        return self


class LesionsPerPatient(ResponseModel):
    """How many lesions a patient has."""

    mean: float = Field(description="Mean number of lesions.")
    median: float = Field(description="Median number of lesions.")
    minimum: int = Field(description="Smallest number of lesions.")
    maximum: int = Field(description="Largest number of lesions.")


class CohortCounts(ResponseModel):
    """Who was treated."""

    patients: int = Field(description="Number of patients.")
    sessions: int = Field(description="Number of sessions.")
    lesions: int = Field(description="Number of lesions.")
    time_unit: TimeUnit = Field(description="Unit of every time in the answer.")
    lesions_per_patient: LesionsPerPatient


class SuccessGroup(ResponseModel):
    """Technical success of a group of lesions."""

    label: Label
    primary: Proportion
    secondary: Proportion


class SuccessTest(Test):
    """A test of equal technical success."""

    outcome: Literal["primary", "secondary"] = Field(description="Which technical success is compared.")


class SuccessGrouping(ResponseModel):
    """Technical success by group."""

    name: GroupingName
    excluded: int = Field(description="Lesions with no value or in no bin.")
    groups: list[SuccessGroup] = Field(description="One a bin or category.")
    tests: list[SuccessTest] = Field(description="Of primary and of secondary success, each test asked for.")


class TechnicalSuccess(ResponseModel):
    """Lesions completely ablated: at the first attempt (primary), after all attempts (secondary)."""

    primary: Proportion
    secondary: Proportion
    groupings: list[SuccessGrouping] = Field(description="One a grouping.")


class RecurrenceCount(ResponseModel):
    """How many lesions recurred so many times."""

    recurrences: int = Field(description="Number of recurrences.")
    lesions: int = Field(description="Lesions with so many.")


class RecurrenceGroup(ResponseModel):
    """Local recurrence of a group of lesions."""

    label: Label
    lesions: Proportion


class RecurrenceGrouping(ResponseModel):
    """Local recurrence by group."""

    name: GroupingName
    excluded: int = Field(description="Lesions with no value or in no bin.")
    groups: list[RecurrenceGroup] = Field(description="One a bin or category.")
    tests: list[Test] = Field(description="Each test asked for.")


class LocalRecurrence(ResponseModel):
    """Local recurrence of the lesions that were completely ablated."""

    excluded: list[CountedReason] = Field(description="Lesions left out: residual tumour is no recurrence.")
    lesions: Proportion = Field(description="Lesions with a recurrence.")
    patients: Proportion = Field(description="Patients with a recurrence, of those with a lesion completely ablated.")
    recurrences: int = Field(description="Recurrences in all; a lesion can recur again.")
    retreated: int = Field(description="Recurrences that were ablated again.")
    counts: list[RecurrenceCount] = Field(description="Lesions by their number of recurrences.")
    groupings: list[RecurrenceGrouping] = Field(description="One a grouping.")
    cumulative_incidence: CompetingRisks | None = Field(
        description="Unit lesion, death competing, clustered by patient; `null` where no lesion is left."
    )


class Mortality(Proportion):
    """Deaths up to a day, of the patients who died by then or were followed that long."""

    unknown: int = Field(description="Patients followed for less, left out of the denominator.")


class ComplicationCount(ResponseModel):
    """How often a complication of a grade occurred."""

    system: str = Field(description="Classification of the grade.")
    grade: str = Field(description="The grade.")
    count: int = Field(description="Complications of the grade.")


class Safety(ResponseModel):
    """What befell the patients around their treatment."""

    periprocedural_deaths: Proportion = Field(
        description="Patients who died of the procedure, or within `periprocedural_days` after any of their sessions."
    )
    mortality_30_day: Mortality = Field(description="Deaths within 30 days of the first session.")
    mortality_90_day: Mortality = Field(description="Deaths within 90 days of the first session.")
    sessions_with_complications: Proportion
    complications: list[ComplicationCount] = Field(description="One a classification and grade, sorted.")


class EndpointGroup(SurvivalEstimate):
    """An end point in a group."""

    label: Label
    cumulative_incidence: IncidenceGroup | None = Field(description="`null` without competing events.")


class EndpointGrouping(ResponseModel):
    """An end point by group; groups without a unit are not listed."""

    name: GroupingName
    excluded: int = Field(description="Units with no value or in no bin.")
    groups: list[EndpointGroup] = Field(description="One a bin or category with units.")
    comparison: Comparison | None = Field(description="`null` with fewer than two groups.")
    gray: list[CauseTest] | None = Field(description="One test a cause; `null` without competing events.")


class EndpointResult(ResponseModel):
    """A time-to-event end point."""

    endpoint: EndpointField
    unit: Unit
    definition: Definition
    excluded: Excluded
    estimate: SurvivalEstimate | None = Field(description="`null` where every unit is excluded.")
    cumulative_incidence: IncidenceGroup | None = Field(description="`null` without competing events.")
    groupings: list[EndpointGrouping] = Field(description="One a grouping that applies to the unit.")


class OutcomesResponse(ResponseModel):
    """The outcome summary of a treatment cohort."""

    meta: Meta
    cohort: CohortCounts
    technical_success: TechnicalSuccess
    local_recurrence: LocalRecurrence
    safety: Safety
    follow_up: FollowUp = Field(description="Over patients, from the first session.")
    endpoints: list[EndpointResult] = Field(description="One an end point asked for, in that order.")
    summary: list[str] = Field(description="Sentences as a results section would have them.")
