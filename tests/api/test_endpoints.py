"""`POST /v1/endpoints` over HTTP, and that its rows are what `POST /v1/outcomes` estimates from."""

import json
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from app.main import create_app
from app.schemas.endpoints import EndpointName
from app.settings import Settings
from tests.cohort.builders import assert_same, cohort_json, dated, lesion_json, patient_json, session_json
from tests.conftest import served

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = (EXAMPLES / "endpoints_request.json").read_bytes()
BALE = json.loads((EXAMPLES / "bale2018.json").read_text())["cohort"]
JSON = {"Content-Type": "application/json"}
NAMES = [*get_args(EndpointName)]
Answer = dict[str, Any]

pytestmark = pytest.mark.anyio


async def post(client: httpx.AsyncClient, body: bytes | Answer, path: str = "/v1/endpoints") -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post(path, content=content, headers=JSON)


async def answered(client: httpx.AsyncClient, body: bytes | Answer, path: str = "/v1/endpoints") -> Answer:
    response = await post(client, body, path)
    assert response.status_code == 200
    answer: Answer = response.json()
    return answer


async def test_a_history_by_hand(client: httpx.AsyncClient) -> None:
    """Two lesions treated at 0 and 2, one recurred at 5; an untreatable progression at 7; death of the procedure at 9.

    The recurrence is 3 after its session. Imaging ended at 8, before the death.
    """
    history = patient_json(
        9,
        id="Q",
        died=True,
        cause_of_death="procedure",
        last_imaging=8,
        sessions=[session_json(), session_json(2, id="T")],
        lesions=[lesion_json(id="A"), lesion_json(5, id="B", session_id="T")],
        progressions=[{"time": 7, "site": "lung", "treatable": False}],
    )
    found = {one["endpoint"]: one for one in (await answered(client, {"cohort": cohort_json(history)}))["endpoints"]}
    assert list(found) == NAMES
    assert {one["unit"] for name, one in found.items() if name.startswith("local")} == {"lesion"}

    def of_patient(time: float, reason: str, **end: Any) -> Answer:
        ends = {name: [value] for name, value in end.items()}
        return {"patient_id": ["Q"], "id": ["Q"], "time": [time], "reason": [reason], **ends}

    of_lesions = {"patient_id": ["Q", "Q"], "id": ["A", "B"], "time": [9, 3], "reason": ["death", "local recurrence"]}
    assert {name: one["rows"] for name, one in found.items()} == {
        "overall_survival": of_patient(9, "death", event=True),
        "cancer_specific_survival": of_patient(9, "death", cause="other death"),
        "progression_free_survival": of_patient(5, "local recurrence", event=True),
        "time_to_progression": of_patient(5, "local recurrence", cause="progression"),
        "local_progression_free_survival": {**of_lesions, "event": [True, True]},
        "local_progression": {**of_lesions, "cause": ["death", "local recurrence"]},
        "distant_progression_free_survival": of_patient(7, "progression", event=True),
        "time_to_untreatable_progression": of_patient(7, "progression", cause="untreatable progression"),
    }


async def test_the_answer_says_by_what_it_came(client: httpx.AsyncClient) -> None:
    answer = await answered(client, {"cohort": cohort_json(patient_json(died=True), time_unit="weeks")})
    meta = answer["meta"]
    assert set(meta) == {"service", "time_unit", "input_sha256", "patients", "warnings", "methods"}
    assert (meta["service"]["name"], meta["time_unit"], meta["patients"]) == ("atrisk", "weeks", 1)
    assert "Puijk et al., Radiology 2021;301:533-540" in meta["methods"][0]
    assert [one["code"] for one in meta["warnings"]] == ["endpoint_without_units", "unknown_cause_of_death"]
    survival = answer["endpoints"][1]
    assert survival["excluded"] == [{"reason": "died of an unknown cause", "count": 1}]
    assert survival["rows"] == {"patient_id": [], "id": [], "time": [], "cause": [], "reason": []}


async def test_they_come_in_the_order_asked_for(client: httpx.AsyncClient) -> None:
    names = NAMES[::-2]
    answer = await answered(client, json.loads(SMALL) | {"endpoints": names})
    assert [one["endpoint"] for one in answer["endpoints"]] == names
    everything = await answered(client, SMALL)
    assert all(one in everything["endpoints"] for one in answer["endpoints"])
    assert (await answered(client, json.loads(SMALL) | {"endpoints": []}))["endpoints"] == []


async def test_rows_come_in_the_order_of_the_cohort(client: httpx.AsyncClient) -> None:
    forward, backward = [
        (await answered(client, {"cohort": BALE | {"patients": BALE["patients"][::step]}}))["endpoints"]
        for step in (1, -1)
    ]
    patients = [one["id"] for one in BALE["patients"]]
    lesions = [(one["id"], lesion["id"]) for one in BALE["patients"] for lesion in one["lesions"]]
    for one, other in zip(forward, backward, strict=True):
        kept = list(zip(one["rows"]["patient_id"], one["rows"]["id"], strict=True))
        everyone = lesions if one["unit"] == "lesion" else list(zip(patients, patients, strict=True))
        assert kept == [unit for unit in everyone if unit in kept]
        assert len(kept) + sum(left["count"] for left in one["excluded"]) == len(everyone)
        assert other["rows"]["patient_id"] == one["rows"]["patient_id"][::-1]
        assert other["excluded"] == one["excluded"]


async def test_dates_are_the_same_history_as_numbers_of_days(client: httpx.AsyncClient) -> None:
    history = patient_json(
        400, last_imaging=300, lesions=[lesion_json(90)], progressions=[{"time": 120, "site": "lung"}]
    )
    in_days, dated_days, dated_months = [
        (await answered(client, {"cohort": cohort_json(one, time_unit=unit)}))["endpoints"]
        for one, unit in ((history, "days"), (dated(history), "days"), (dated(history), "months"))
    ]
    assert dated_days == in_days
    for days, months in zip(in_days, dated_months, strict=True):
        assert months["rows"]["time"] == [time / 30.4375 for time in days["rows"]["time"]]
        assert months | {"rows": days["rows"]} == days


@pytest.mark.parametrize("cohort", [BALE, json.loads(SMALL)["cohort"]], ids=["bale2018", "small"])
async def test_outcomes_are_those_of_the_rows(client: httpx.AsyncClient, cohort: Answer) -> None:
    """Sent to `POST /v1/survival` and `POST /v1/competing-risks` they give the figures of `POST /v1/outcomes`."""
    asked = {"landmarks": [6, 12], "convention": "stata"}
    outcomes = await answered(client, {"cohort": cohort, "endpoints": NAMES, **asked}, "/v1/outcomes")
    for result, found in zip(
        outcomes["endpoints"], (await answered(client, {"cohort": cohort}))["endpoints"], strict=True
    ):
        assert {name: value for name, value in found.items() if name != "rows"}.items() <= result.items()
        rows = found["rows"]
        subjects = {name: rows[name] for name in ("time", "event", "cause") if name in rows}
        assert result["estimate"]["subjects"] == len(rows["time"])
        if found["unit"] == "lesion":
            subjects["cluster"] = rows["patient_id"]
        if "event" in rows:
            answer = await answered(client, {"subjects": subjects, **asked}, "/v1/survival")
            assert result["estimate"]["events"] == rows["event"].count(True)
            assert_same(result["estimate"], answer["overall"])
        elif any(rows["cause"]):
            incidence = result["cumulative_incidence"]
            causes = [one["cause"] for one in incidence["causes"]]
            assert [one["events"] for one in incidence["causes"]] == [rows["cause"].count(cause) for cause in causes]
            body = {"subjects": subjects, "causes": causes, **asked}
            (group,) = (await answered(client, body, "/v1/competing-risks"))["groups"]
            assert_same(incidence, group)


class TestRefusals:
    async def test_have_the_one_shape_with_pointers(self, client: httpx.AsyncClient) -> None:
        request = json.loads(SMALL)
        request["cohort"]["patients"][1]["cause_of_death"] = "other"
        response = await post(client, request)
        assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
        problem = response.json()
        assert problem["code"] == "invalid_body"
        assert problem["errors"] == [
            {"pointer": "/cohort/patients/1/cause_of_death", "detail": "is given for a patient who did not die"}
        ]
        twice = await post(client, json.loads(SMALL) | {"endpoints": ["local_progression"] * 2})
        assert twice.json()["errors"] == [{"pointer": "/endpoints/1", "detail": "is named before"}]
        unknown = await post(client, json.loads(SMALL) | {"endpoints": ["MARKER"]})
        assert [one["pointer"] for one in unknown.json()["errors"]] == ["/endpoints/0"]
        assert "MARKER" not in unknown.text

    async def test_of_more_patients_than_the_limit(self) -> None:
        async with served(create_app(Settings(max_patients=3))) as client:
            response = await post(client, SMALL)
        assert response.status_code == 413
        assert response.json()["code"] == "too_many_subjects"

    async def test_of_other_representations_and_methods(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/v1/endpoints", content=SMALL, headers=JSON | {"Accept": "text/html"})
        assert response.status_code == 406
        assert (await client.get("/v1/endpoints")).status_code == 405


async def test_no_value_of_a_patient_is_logged(client: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]) -> None:
    request = json.loads(SMALL)
    request["cohort"]["patients"][0]["id"] = "MARKER"
    assert "MARKER" in (await post(client, request)).text
    captured = capfd.readouterr()
    assert "MARKER" not in captured.out + captured.err
