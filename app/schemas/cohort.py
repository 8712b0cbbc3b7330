"""A treatment cohort on the wire: patients, their sessions, their lesions."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.common import RequestModel, TimeUnit
from app.schemas.faults import FAULT, Fault, Location, refuse, repeated

MAX_TIME = 1_000_000
"""No patient is followed for so many days, and no sum of so many of them overflows."""
TREATABLE = "Whether it could be treated; if not, it is an event of `time_to_untreatable_progression`."


def _kind(value: Any) -> str:
    return "date" if isinstance(value, str | date) else "number"


def _iso_date(value: Any) -> Any:
    # By itself pydantic takes "1554076800" as a date too, in seconds since 1970.
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError(FAULT, "must be an ISO 8601 date")


TimePoint = Annotated[
    Annotated[Annotated[float, Field(ge=0, le=MAX_TIME)], Tag("number")]
    | Annotated[date, BeforeValidator(_iso_date), Tag("date")],
    Discriminator(_kind),
    Field(
        description="A number of `time_unit` since the patient's first session, or an ISO 8601 date; "
        "all of a patient are of one kind.",
        examples=[12.5, "2019-03-31"],
    ),
]
Identifier = Annotated[str, Field(min_length=1, max_length=200, description="An identifier of the caller's.")]
Covariates = Annotated[
    dict[str, str | bool | float | None],
    Field(description="Further variables to group by; `null` is a missing value.", max_length=200),
]


class Complication(RequestModel):
    """A complication of a session."""

    system: Literal["CTCAE", "SIR", "CIRSE", "Clavien-Dindo", "other"] = Field(
        description="Classification of the grade."
    )
    grade: str = Field(min_length=1, max_length=50, description="The grade, as the classification writes it.")
    time: TimePoint | None = Field(default=None, description="When it occurred; it is checked, and not analysed.")
    description: str | None = Field(default=None, max_length=2000, description="In words; not analysed.")


class Session(RequestModel):
    """A treatment session."""

    id: Identifier
    time: TimePoint
    modality: str | None = Field(default=None, max_length=200, description="For instance radiofrequency or microwave.")
    complications: list[Complication] = Field(default=[], max_length=100, description="What the session led to.")


class Recurrence(RequestModel):
    """A local recurrence: tumour at the margin of a lesion that had been completely ablated."""

    time: TimePoint
    retreated: bool = Field(default=False, description="Whether the recurrence was ablated again.")
    treatable: bool = Field(default=True, description=TREATABLE)


class Progression(RequestModel):
    """A progression away from the ablated lesions."""

    time: TimePoint
    site: str = Field(min_length=1, max_length=200, description="Where; not analysed.")
    treatable: bool = Field(default=True, description=TREATABLE)


class Lesion(RequestModel):
    """A lesion, treated first in the session `session_id`."""

    id: Identifier
    session_id: Identifier = Field(description="The `id` of the patient's session that treated it first.")
    diameter_mm: float | None = Field(default=None, gt=0, le=10_000, description="Largest diameter, in millimetres.")
    volume_cm3: float | None = Field(default=None, gt=0, le=1_000_000, description="Volume, in cubic centimetres.")
    primary_success: bool = Field(description="Completely ablated at the first attempt.")
    secondary_success: bool | None = Field(
        default=None, description="Completely ablated after all attempts. Default: `primary_success`."
    )
    recurrences: list[Recurrence] = Field(default=[], max_length=100, description="Its local recurrences.")
    covariates: Covariates = {}

    @property
    def finally_ablated(self) -> bool:
        """Return whether the lesion was completely ablated after all attempts."""
        return self.primary_success if self.secondary_success is None else self.secondary_success


class Patient(RequestModel):
    """A patient."""

    id: Identifier
    follow_up: TimePoint = Field(description="Death, or last contact of the living.")
    died: bool = Field(description="Whether the patient died, at `follow_up`.")
    cause_of_death: Literal["disease", "procedure", "other", "unknown"] | None = Field(
        default=None,
        description="Of those who died; `procedure` counts as periprocedural at whatever time. Without one, or with "
        "`unknown`, the patient is left out of `cancer_specific_survival`.",
    )
    last_imaging: TimePoint | None = Field(default=None, description="Default: `follow_up`.")
    sessions: list[Session] = Field(min_length=1, max_length=1000, description="The treatment sessions.")
    lesions: list[Lesion] = Field(min_length=1, max_length=1000, description="The lesions treated.")
    progressions: list[Progression] = Field(
        default=[], max_length=1000, description="Progressions away from the ablated lesions."
    )
    covariates: Covariates = {}


class Cohort(RequestModel):
    """Patients who were treated, with what became of them."""

    name: str | None = Field(default=None, max_length=2000, description="For the caller's own use.")
    time_unit: TimeUnit = Field(
        default="months", description="Unit of times that are numbers, and of the answer. A month has 30.4375 days."
    )
    patients: list[Patient] = Field(min_length=1, description="The patients.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(_cohort_faults(self))
        return self


def _cohort_faults(cohort: Cohort) -> Iterator[Fault]:
    yield from _used_before("patients", cohort.patients)
    for place, patient in enumerate(cohort.patients):
        for location, detail in _patient_faults(patient):
            yield ("patients", place, *location), detail


def _used_before(name: str, items: Iterable[Patient | Session | Lesion]) -> Iterator[Fault]:
    return repeated((item.id for item in items), name, "id", detail="is used before")


def _patient_faults(patient: Patient) -> Iterator[Fault]:
    yield from _used_before("sessions", patient.sessions)
    yield from _used_before("lesions", patient.lesions)
    if patient.cause_of_death is not None and not patient.died:
        yield ("cause_of_death",), "is given for a patient who did not die"
    sessions = {session.id for session in patient.sessions}
    for place, lesion in enumerate(patient.lesions):
        if lesion.session_id not in sessions:
            yield ("lesions", place, "session_id"), "is no session of the patient"
        if lesion.primary_success and lesion.secondary_success is False:
            yield ("lesions", place, "secondary_success"), "cannot be false where primary_success is true"
    yield from _time_faults(patient)


class _Timed(NamedTuple):
    """A time point where it stands, with the earliest and latest it may be."""

    location: Location
    time: TimePoint
    earliest: TimePoint | None
    latest: TimePoint
    latest_is: str


def _timed(patient: Patient) -> Iterator[_Timed]:
    first, end = first_session(patient).time, patient.follow_up
    yield _Timed(("follow_up",), end, first, end, "follow_up")
    imaged, imaged_is = end, "follow_up"
    if patient.last_imaging is not None:
        imaged, imaged_is = patient.last_imaging, "last_imaging"
        yield _Timed(("last_imaging",), imaged, None, end, "follow_up")
    for place, session in enumerate(patient.sessions):
        location: Location = ("sessions", place)
        yield _Timed((*location, "time"), session.time, first, end, "follow_up")
        for inner, complication in enumerate(session.complications):
            if complication.time is not None:
                there = (*location, "complications", inner, "time")
                yield _Timed(there, complication.time, session.time, end, "follow_up")
    treated = {session.id: session.time for session in patient.sessions}
    for place, lesion in enumerate(patient.lesions):
        for inner, recurrence in enumerate(lesion.recurrences):
            there = ("lesions", place, "recurrences", inner, "time")
            yield _Timed(there, recurrence.time, treated.get(lesion.session_id), imaged, imaged_is)
    for place, progression in enumerate(patient.progressions):
        yield _Timed(("progressions", place, "time"), progression.time, first, imaged, imaged_is)


def _time_faults(patient: Patient) -> Iterator[Fault]:
    first = first_session(patient)
    kind = "date" if isinstance(first.time, date) else "number"
    mixed = [timed.location for timed in _timed(patient) if isinstance(timed.time, date) != (kind == "date")]
    for location in mixed:
        yield location, f"must be a {kind} like the time of the patient's first session"
    if mixed:  # the order of times of two kinds means nothing
        return
    if kind == "number" and first.time != 0:
        yield ("sessions", patient.sessions.index(first), "time"), "must be 0: time begins with the first session"
    for timed in _timed(patient):
        if ordinal(timed.time) > ordinal(timed.latest):
            yield timed.location, f"is after {timed.latest_is}"
        elif timed.earliest is not None and ordinal(timed.time) < ordinal(timed.earliest):
            yield timed.location, "is before the treatment"


def first_session(patient: Patient) -> Session:
    """Return the earliest session, where the patient's time begins."""
    return min(patient.sessions, key=lambda session: ordinal(session.time))


def ordinal(time: TimePoint) -> float:
    """Return a date as the number of its day, and a number as it is."""
    return time.toordinal() if isinstance(time, date) else time
