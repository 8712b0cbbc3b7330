"""A treatment cohort: patients, their sessions, their lesions. Times are numbers since the first session."""

from dataclasses import dataclass, field
from typing import Literal

TimeUnit = Literal["days", "weeks", "months", "years"]
Unit = Literal["patient", "lesion"]
CauseOfDeath = Literal["disease", "procedure", "other", "unknown"]
CovariateValue = str | bool | float | None

DAYS_PER_UNIT: dict[TimeUnit, float] = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}


@dataclass(frozen=True, slots=True)
class Complication:
    """A complication of a session, graded by a classification."""

    system: str
    grade: str


@dataclass(frozen=True, slots=True)
class Session:
    """A treatment session, at `time` since the patient's first."""

    id: str
    time: float
    complications: tuple[Complication, ...] = ()


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A local recurrence, at `time` since the patient's first session."""

    time: float
    retreated: bool = False
    treatable: bool = True


@dataclass(frozen=True, slots=True)
class Progression:
    """A progression away from the ablated lesions, at `time` since the patient's first session."""

    time: float
    treatable: bool = True


@dataclass(frozen=True, slots=True)
class Lesion:
    """A lesion, treated first in the session at `session_time` since the patient's first."""

    id: str
    session_time: float
    primary_success: bool
    secondary_success: bool
    diameter_mm: float | None = None
    volume_cm3: float | None = None
    recurrences: tuple[Recurrence, ...] = ()
    covariates: dict[str, CovariateValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient, followed until `follow_up` and imaged until `last_imaging` since the first session."""

    id: str
    follow_up: float
    died: bool
    last_imaging: float
    sessions: tuple[Session, ...]
    lesions: tuple[Lesion, ...]
    cause_of_death: CauseOfDeath | None = None
    progressions: tuple[Progression, ...] = ()
    covariates: dict[str, CovariateValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cohort:
    """Patients with all their times in one unit."""

    patients: tuple[Patient, ...]
    time_unit: TimeUnit = "months"

    def lesions(self) -> list[tuple[int, Lesion]]:
        """Return every lesion with the place of its patient, in the cohort's order."""
        return [(place, lesion) for place, patient in enumerate(self.patients) for lesion in patient.lesions]

    def sessions(self) -> list[tuple[int, Session]]:
        """Return every session with the place of its patient, in the cohort's order."""
        return [(place, session) for place, patient in enumerate(self.patients) for session in patient.sessions]
