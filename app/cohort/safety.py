"""Deaths around the treatment, and complications of the sessions."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import TOLERANCE
from app.analysis.proportions import IntervalName, Proportion, estimate_clustered_proportion, estimate_proportion
from app.cohort.model import DAYS_PER_UNIT, Cohort


@dataclass(frozen=True, slots=True)
class Mortality:
    """Deaths up to a day, of the patients who died by then or were followed that long; `unknown` were not."""

    proportion: Proportion
    unknown: int


@dataclass(frozen=True, slots=True)
class Safety:
    """What befell the patients around their treatment; `complications` counts (system, grade)."""

    periprocedural_deaths: Proportion
    mortality_30_day: Mortality
    mortality_90_day: Mortality
    sessions_with_complications: Proportion
    complications: dict[tuple[str, str], int]


def describe_safety(
    cohort: Cohort, periprocedural_days: float, confidence_level: float, interval: IntervalName
) -> Safety:
    """Count deaths around the treatment, and sessions with complications, clustered by patient.

    A periprocedural death is one of the procedure, or within `periprocedural_days` after any session of the patient;
    its denominator is all patients. The mortalities run from the first session.
    """
    sessions = [session for _, session in cohort.sessions()]
    periprocedural = sum(
        patient.died
        and (
            patient.cause_of_death == "procedure"
            or any(
                _days(patient.follow_up - session.time, cohort) <= periprocedural_days + TOLERANCE
                for session in patient.sessions
            )
        )
        for patient in cohort.patients
    )
    counted = Counter(
        (complication.system, complication.grade) for session in sessions for complication in session.complications
    )
    return Safety(
        estimate_proportion(periprocedural, len(cohort.patients), confidence_level=confidence_level, interval=interval),
        _mortality(cohort, 30, confidence_level, interval),
        _mortality(cohort, 90, confidence_level, interval),
        estimate_clustered_proportion(
            np.array([bool(session.complications) for session in sessions]),
            np.array([place for place, _ in cohort.sessions()]),
            confidence_level=confidence_level,
            interval=interval,
        ),
        dict(sorted(counted.items())),
    )


def _mortality(cohort: Cohort, days: float, confidence_level: float, interval: IntervalName) -> Mortality:
    followed = [(patient.died, _days(patient.follow_up, cohort)) for patient in cohort.patients]
    deaths = sum(died and time <= days + TOLERANCE for died, time in followed)
    known = sum(died or time >= days - TOLERANCE for died, time in followed)
    proportion = estimate_proportion(deaths, known, confidence_level=confidence_level, interval=interval)
    return Mortality(proportion, len(followed) - known)


def _days(time: float, cohort: Cohort) -> float:
    return time * DAYS_PER_UNIT[cohort.time_unit]
