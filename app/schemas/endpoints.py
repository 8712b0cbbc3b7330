"""Request and response of `POST /v1/endpoints`."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from app.schemas.cohort import Cohort
from app.schemas.common import Caution, CountedReason, RequestModel, ResponseModel, Service, TimeUnit
from app.schemas.faults import refuse, repeated

EndpointName = Literal[
    "overall_survival",
    "cancer_specific_survival",
    "progression_free_survival",
    "time_to_progression",
    "local_progression_free_survival",
    "local_progression",
    "distant_progression_free_survival",
    "time_to_untreatable_progression",
]
Cause = Literal["disease", "other death", "progression", "local recurrence", "untreatable progression", "death"]
EndReason = Literal["death", "local recurrence", "progression", "last imaging", "last follow-up"]

EndpointField = Annotated[EndpointName, Field(description="Name of the end point.")]
Unit = Annotated[Literal["patient", "lesion"], Field(description="What is counted and followed.")]
Definition = Annotated[str, Field(description="The definition that was used, in words.")]
Excluded = Annotated[list[CountedReason], Field(description="Units left out.")]
EndReasons = Annotated[
    list[EndReason],
    Field(
        description="What ended each row; of a local recurrence and a progression at one time, the local recurrence."
    ),
]


class EndpointsRequest(RequestModel):
    """A treatment cohort, and the end points whose analysis rows are wanted."""

    cohort: Cohort
    endpoints: list[EndpointName] = Field(
        default=[*get_args(EndpointName)],
        max_length=20,
        description="Time-to-event end points, in the answer's order. Default: all.",
    )

    @property
    def rows(self) -> int:
        """How many patients there are."""
        return len(self.cohort.patients)

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(repeated(self.endpoints, "endpoints"))
        return self


class EndpointsMeta(ResponseModel):
    """By which service, method and input the rows came."""

    service: Service
    time_unit: TimeUnit = Field(description="Unit of every time in the answer.")
    input_sha256: str = Field(description="SHA-256 of the request's canonical JSON (RFC 8785), in hexadecimal digits.")
    patients: int = Field(description="Patients in the request.")
    warnings: list[Caution] = Field(description="What should be said aloud about the rows, each warning once.")
    methods: list[str] = Field(description="The methods in sentences, with references.")


class Rows(ResponseModel):
    """What rows of all end points have, as columns."""

    patient_id: list[str] = Field(description="The patient of each row; lesions of one are a cluster.")
    id: list[str] = Field(description="The patient or lesion that each row is of, by the end point's unit.")
    time: list[float] = Field(description="Time to each row's end, in `time_unit`.")


class EventRows(Rows):
    """The rows of an end point without competing events, in the cohort's order."""

    event: list[bool] = Field(description="Whether each row ended by the event; otherwise it is censored.")
    reason: EndReasons


class CauseRows(Rows):
    """The rows of an end point with competing events, in the cohort's order."""

    cause: list[Cause | None] = Field(description="The event that ended each row; `null` where it is censored.")
    reason: EndReasons


class Endpoint(ResponseModel):
    """What is analysed for an end point, row by row."""

    endpoint: EndpointField
    unit: Unit
    definition: Definition
    excluded: Excluded
    rows: EventRows | CauseRows = Field(
        description="With `event` where no other event can come before it, else with `cause`."
    )


class EndpointsResponse(ResponseModel):
    """The analysis rows of a treatment cohort."""

    meta: EndpointsMeta
    endpoints: list[Endpoint] = Field(description="One an end point asked for, in that order.")
