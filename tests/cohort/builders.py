"""Patients and lesions with sensible defaults, as the core has them and as JSON, and random cohorts."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from app.analysis.conventions import CONVENTIONS, ConventionName
from app.analysis.success_rates import TableOptions, TableTest
from app.analysis.survival import SurvivalOptions
from app.api import convert_endpoints
from app.api.convert_cohort import treatment_cohort
from app.api.convert_outcomes import answer
from app.cohort.endpoints import ENDPOINTS, EndpointName
from app.cohort.groupings import Bin, Grouping
from app.cohort.model import Cohort, Complication, Lesion, Patient, Recurrence, Session, TimeUnit
from app.cohort.outcomes import OutcomeOptions
from app.schemas import cohort as wire
from app.schemas.endpoints import EndpointsRequest
from app.schemas.faults import FAULT
from app.schemas.outcomes import OutcomesRequest

Json = dict[str, Any]
Model = TypeVar("Model", bound=BaseModel)

FIRST_DAY = date(2019, 12, 15)
TIMES = ("follow_up", "last_imaging", "time")


def lesion(*recurrences: float, **fields: Any) -> Lesion:
    """Return a lesion of the first session, completely ablated, that recurred at the given times."""
    defaults: Json = {
        "id": "L",
        "session_time": 0.0,
        "primary_success": True,
        "secondary_success": True,
        "recurrences": tuple(Recurrence(time) for time in recurrences),
    }
    return Lesion(**{**defaults, **fields})


def patient(follow_up: float, *lesions: Lesion, **fields: Any) -> Patient:
    """Return a living patient with one session, imaged until the end."""
    defaults: Json = {
        "id": "P",
        "follow_up": follow_up,
        "died": False,
        "last_imaging": follow_up,
        "sessions": (Session("S", 0.0),),
        "lesions": lesions or (lesion(),),
    }
    return Patient(**{**defaults, **fields})


def cohort(*patients: Patient, time_unit: TimeUnit = "months") -> Cohort:
    return Cohort(patients, time_unit)


def options(
    convention: ConventionName = "r",
    *groupings: Grouping,
    tests: Sequence[TableTest] = ("fisher",),
    endpoints: Sequence[EndpointName] = ("overall_survival", "local_progression"),
    survival: Json | None = None,
    **fields: Any,
) -> OutcomeOptions:
    """Return the options of an outcome summary; `survival` are those of survival besides the convention."""
    return OutcomeOptions(
        SurvivalOptions(CONVENTIONS[convention], **(survival or {})),
        TableOptions(tests=tests),
        endpoints=endpoints,
        groupings=groupings,
        **fields,
    )


BY_DIAMETER = Grouping(
    "size", "lesion", "diameter_mm", (Bin("small", upper=30.0), Bin("large", lower=30.0, includes_lower=True))
)
BY_ARM = Grouping("arm", "patient", "covariates.arm")


A, B = {"arm": "A"}, {"arm": "B"}
RESIDUAL = {"primary_success": False, "secondary_success": False}
MANY = cohort(
    patient(0.4, lesion(diameter_mm=10.0), died=True, covariates=A),
    patient(8, lesion(4, diameter_mm=20.0), lesion(diameter_mm=40.0, **RESIDUAL), died=True, covariates=A),
    patient(
        10,
        lesion(diameter_mm=30.0, session_time=2.0),
        died=True,
        sessions=(Session("S1", 0.0), Session("S2", 2.0, (Complication("SIR", "B"),))),
        covariates=B,
    ),
    patient(20, lesion(diameter_mm=25.0), covariates=B),
)


def session_json(time: float = 0, **fields: Any) -> Json:
    return {"id": "S", "time": time, **fields}


def lesion_json(*recurrences: float, **fields: Any) -> Json:
    """Return what `lesion` returns, as it is sent."""
    return {
        "id": "L",
        "session_id": "S",
        "primary_success": True,
        "recurrences": [{"time": time} for time in recurrences],
        **fields,
    }


def patient_json(follow_up: float = 12, **fields: Any) -> Json:
    """Return what `patient` returns, as it is sent."""
    defaults: Json = {"follow_up": follow_up, "died": False, "sessions": [session_json()], "lesions": [lesion_json()]}
    return {**defaults, **fields}


def cohort_json(*patients: Json, **fields: Any) -> Json:
    """Return a cohort as it is sent; patients without an id are numbered."""
    return {"patients": [{"id": f"P{place}", **one} for place, one in enumerate(patients, start=1)], **fields}


def dated(value: Any) -> Any:
    """Return a patient, or a cohort, with its numbers of days as dates."""
    if isinstance(value, dict):
        return {name: _day(inner) if name in TIMES else dated(inner) for name, inner in value.items()}
    return [dated(inner) for inner in value] if isinstance(value, list) else value


def _day(number: int | None) -> str | None:
    return None if number is None else (FIRST_DAY + timedelta(days=number)).isoformat()


def parsed(model: type[Model], body: Json) -> Model:
    """Return the body as the model reads it from JSON."""
    return model.model_validate_json(json.dumps(body))


def refused(model: type[BaseModel], body: Json) -> list[ErrorDetails]:
    """Return what the model finds wrong with the body."""
    with pytest.raises(ValidationError) as caught:
        parsed(model, body)
    return caught.value.errors(include_url=False)


def faults(model: type[BaseModel], body: Json) -> list[tuple[tuple[int | str, ...], str]]:
    """Return where and what is wrong with a body in which nothing is wrong but by our own rules."""
    found = refused(model, body)
    assert {error["type"] for error in found} == {FAULT}
    return [(error["loc"], error["msg"]) for error in found]


def received(cohort: Json) -> Cohort:
    """Return a cohort that was sent, as the core has it."""
    return treatment_cohort(parsed(wire.Cohort, cohort))


def answered(cohort: Json, **fields: Any) -> Json:
    """Return the answer to a request for the outcomes of a cohort."""
    return answer(parsed(OutcomesRequest, {"cohort": cohort, **fields}), "0" * 64).model_dump()


def derived(cohort: Json, **fields: Any) -> dict[str, Json]:
    """Return the answer to a request for the end points of a cohort, by their names."""
    found = convert_endpoints.answer(parsed(EndpointsRequest, {"cohort": cohort, **fields}), "0" * 64).model_dump()
    return {one["endpoint"]: one for one in found["endpoints"]}


def assert_same(actual: Any, expected: Any, where: str = "") -> None:
    """Assert that two answers are the same, numbers up to rounding."""
    if isinstance(expected, dict):
        assert actual.keys() == expected.keys(), where
        for name, value in expected.items():
            assert_same(actual[name], value, f"{where}/{name}")
    elif isinstance(expected, list):
        assert len(actual) == len(expected), where
        for place, (one, other) in enumerate(zip(actual, expected, strict=True)):
            assert_same(one, other, f"{where}/{place}")
    elif isinstance(expected, float) and actual is not None:
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12, err_msg=where)
    else:
        assert actual == expected, where


@st.composite
def patients_json(draw: st.DrawFn) -> Json:
    """Draw a valid patient with numbers of days, and covariates arm of the patient and site of the lesions."""
    treated = [0, *draw(st.lists(st.integers(0, 9), max_size=2))]
    follow_up = draw(st.integers(max(treated), 12))
    imaged = draw(st.none() | st.integers(0, follow_up))
    died = draw(st.booleans())
    sessions = [_session(draw, place, time, follow_up) for place, time in enumerate(treated)]
    last_image = follow_up if imaged is None else imaged
    lesions = [_lesion(draw, place, treated, last_image) for place in range(draw(st.integers(1, 3)))]
    progressions = draw(st.lists(st.integers(0, last_image), max_size=2))
    return {
        "follow_up": follow_up,
        "died": died,
        "cause_of_death": draw(st.sampled_from([None, "disease", "procedure", "other", "unknown"])) if died else None,
        "last_imaging": imaged,
        "sessions": draw(st.permutations(sessions)),
        "lesions": lesions,
        "progressions": [{"time": time, "site": "lung", "treatable": draw(st.booleans())} for time in progressions],
        "covariates": {"arm": draw(st.sampled_from(["A", "B", None, True, 1, 1.5]))},
    }


def _session(draw: st.DrawFn, place: int, time: int, follow_up: int) -> Json:
    complications = draw(st.lists(st.sampled_from(["1", "3"]), max_size=2))
    when = draw(st.none() | st.integers(time, follow_up))
    return {
        "id": f"S{place}",
        "time": time,
        "complications": [{"system": "CTCAE", "grade": grade, "time": when} for grade in complications],
    }


def _lesion(draw: st.DrawFn, place: int, treated: list[int], imaged: int) -> Json:
    session = draw(st.integers(0, len(treated) - 1))
    primary = draw(st.booleans())
    is_imaged = treated[session] <= imaged
    times = draw(st.lists(st.integers(treated[session], imaged), max_size=2)) if is_imaged else []
    return {
        "id": f"L{place}",
        "session_id": f"S{session}",
        "diameter_mm": draw(st.sampled_from([None, 10, 30, 50.5])),
        "volume_cm3": draw(st.sampled_from([None, 0.1, 0.2, 4])),
        "primary_success": primary,
        "secondary_success": draw(st.sampled_from([None, True] if primary else [None, True, False])),
        "recurrences": [
            {"time": time, "retreated": draw(st.booleans()), "treatable": draw(st.booleans())} for time in times
        ],
        "covariates": {"site": draw(st.sampled_from(["left", "right", None]))},
    }


@st.composite
def cohorts_json(draw: st.DrawFn, *, max_size: int = 6) -> Json:
    """Draw a valid cohort whose times are numbers of days."""
    patients = draw(st.lists(patients_json(), min_size=1, max_size=max_size))
    return cohort_json(*patients, time_unit="days")


BINNED: list[Json] = [
    {
        "name": "lesions",
        "unit": "patient",
        "variable": "lesion_count",
        "bins": [{"label": "1", "le": 1}, {"label": "2", "gt": 1, "lt": 3}],
    },
    {
        "name": "diameter",
        "unit": "lesion",
        "variable": "diameter_mm",
        "bins": [{"label": "< 3 cm", "lt": 30}, {"label": "3-5 cm", "ge": 30, "le": 50}, {"label": "> 5 cm", "gt": 50}],
    },
]
CATEGORIES: list[Json] = [
    {"name": "arm", "unit": "patient", "variable": "covariates.arm"},
    {"name": "site", "unit": "lesion", "variable": "covariates.site"},
]


@st.composite
def questions(draw: st.DrawFn) -> Json:
    """Draw the fields of a request besides cohort and groupings."""
    endpoints = draw(st.permutations(list(ENDPOINTS)))
    tests = draw(st.permutations(["fisher", "chi-squared", "trend", "log-rank"]))
    return {
        "endpoints": endpoints[: draw(st.integers(0, 3))],
        "convention": draw(st.sampled_from(["r", "sas", "spss", "stata"])),
        "confidence_level": draw(st.sampled_from([0.5, 0.95])),
        "confidence_type": draw(st.sampled_from([None, "plain", "log", "log-log", "logit", "arcsin"])),
        "landmarks": draw(st.lists(st.sampled_from([0, 3, 5.5, 20]), max_size=3)),
        "interval": draw(st.sampled_from(["wilson", "clopper-pearson", "jeffreys", "agresti-coull", "wald"])),
        "tests": tests[: draw(st.integers(0, 4))],
        "periprocedural_days": draw(st.sampled_from([0, 4, 30])),
    }
