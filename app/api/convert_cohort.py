"""From the wire to the core: a treatment cohort with all its times as numbers since the patient's first session."""

from collections.abc import Callable
from datetime import date

from app.cohort import model
from app.schemas import cohort as wire

SinceFirst = Callable[[wire.TimePoint], float]


def treatment_cohort(cohort: wire.Cohort) -> model.Cohort:
    """Return the cohort with all times as numbers of its unit since the patient's first session.

    Equal dates become equal numbers, and different ones differ by far more than what makes a tie.
    """
    days_per_unit = model.DAYS_PER_UNIT[cohort.time_unit]
    return model.Cohort(tuple(_patient(patient, days_per_unit) for patient in cohort.patients), cohort.time_unit)


def _patient(patient: wire.Patient, days_per_unit: float) -> model.Patient:
    first = wire.ordinal(wire.first_session(patient).time)
    is_dated = isinstance(patient.follow_up, date)

    def since_first(time: wire.TimePoint) -> float:
        return (wire.ordinal(time) - first) / (days_per_unit if is_dated else 1)

    sessions = {session.id: _session(session, since_first) for session in patient.sessions}
    return model.Patient(
        patient.id,
        since_first(patient.follow_up),
        patient.died,
        since_first(patient.follow_up if patient.last_imaging is None else patient.last_imaging),
        tuple(sessions.values()),
        tuple(_lesion(lesion, sessions[lesion.session_id].time, since_first) for lesion in patient.lesions),
        patient.cause_of_death,
        tuple(model.Progression(since_first(one.time), one.treatable) for one in patient.progressions),
        dict(patient.covariates),
    )


def _session(session: wire.Session, since_first: SinceFirst) -> model.Session:
    complications = tuple(model.Complication(one.system, one.grade) for one in session.complications)
    return model.Session(session.id, since_first(session.time), complications)


def _lesion(lesion: wire.Lesion, session_time: float, since_first: SinceFirst) -> model.Lesion:
    return model.Lesion(
        lesion.id,
        session_time,
        lesion.primary_success,
        lesion.finally_ablated,
        lesion.diameter_mm,
        lesion.volume_cm3,
        tuple(model.Recurrence(since_first(one.time), one.retreated, one.treatable) for one in lesion.recurrences),
        dict(lesion.covariates),
    )
