"""`POST /v1/outcomes` over HTTP; what it computes is tested where it is computed."""

import json
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from app.main import create_app
from app.schemas.endpoints import EndpointName
from app.settings import Settings

EXAMPLES = Path(__file__).parents[2] / "examples"
BALE = (EXAMPLES / "bale2018.json").read_bytes()
SMALL = (EXAMPLES / "outcomes_request.json").read_bytes()
JSON = {"Content-Type": "application/json"}

pytestmark = pytest.mark.anyio


async def post(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
    return await client.post("/v1/outcomes", content=body, headers=JSON)


def changed(body: bytes, **fields: Any) -> bytes:
    return json.dumps(json.loads(body) | fields).encode()


async def test_the_same_body_gives_the_same_bytes(client: httpx.AsyncClient) -> None:
    first, second = await post(client, BALE), await post(client, BALE)
    assert first.status_code == 200
    assert first.content == second.content


async def test_the_digest_is_that_of_the_canonical_body(client: httpx.AsyncClient) -> None:
    """White space and the order of keys do not change it; a value does."""
    digests = [
        (await post(client, body)).json()["meta"]["input_sha256"]
        for body in (SMALL, json.dumps(json.loads(SMALL), sort_keys=True).encode(), changed(SMALL, landmarks=[13]))
    ]
    assert digests[0] == digests[1] != digests[2]


async def test_the_order_of_patients_changes_no_figure(client: httpx.AsyncClient) -> None:
    """Not even the last bit, but for the order of groups by first appearance and the digest."""
    request = json.loads(BALE)
    request["cohort"]["patients"].reverse()
    forward = (await post(client, BALE)).json()
    backward = (await post(client, json.dumps(request).encode())).json()
    forward["meta"].pop("input_sha256")
    backward["meta"].pop("input_sha256")
    assert backward == forward


async def test_curves_can_be_left_out(client: httpx.AsyncClient) -> None:
    with_curves = await post(client, changed(BALE, curve="full"))
    without = await post(client, changed(BALE, curve="none"))
    assert '"curve":{' in with_curves.text
    assert '"curve":{' not in without.text
    assert without.json()["summary"] == with_curves.json()["summary"]


async def test_a_curve_has_a_row_a_distinct_follow_up_time(client: httpx.AsyncClient) -> None:
    times = sorted({patient["follow_up"] for patient in json.loads(BALE)["cohort"]["patients"]})
    curve = (await post(client, BALE)).json()["endpoints"][0]["estimate"]["curve"]
    assert curve["time"] == times
    assert {len(column) for column in curve.values()} == {len(times)}


async def test_incidences_and_event_free_probability_sum_to_one(client: httpx.AsyncClient) -> None:
    incidence = (await post(client, BALE)).json()["endpoints"][1]["cumulative_incidence"]
    columns = [cause["curve"]["cumulative_incidence"] for cause in incidence["causes"]]
    sums = [sum(row) for row in zip(*columns, incidence["event_free"]["curve"]["survival"], strict=True)]
    assert sums == pytest.approx([1] * len(sums), rel=1e-12)


async def test_end_points_come_in_the_order_asked_for(client: httpx.AsyncClient) -> None:
    names = ["local_progression", "overall_survival"]
    answer = (await post(client, changed(SMALL, endpoints=names))).json()
    assert [one["endpoint"] for one in answer["endpoints"]] == names


async def test_every_end_point_is_answered_with_its_unit_and_interpretation(client: httpx.AsyncClient) -> None:
    """An end point with competing events has their incidences too."""
    names = [*get_args(EndpointName)]
    answer = (await post(client, changed(SMALL, endpoints=names))).json()
    found = {one["endpoint"]: one for one in answer["endpoints"]}
    assert list(found) == names
    competing = {name: one["cumulative_incidence"] for name, one in found.items() if one["cumulative_incidence"]}
    assert {name: [cause["cause"] for cause in one["causes"]] for name, one in competing.items()} == {
        "cancer_specific_survival": ["disease", "other death"],
        "time_to_progression": ["progression", "death"],
        "local_progression": ["local recurrence", "death"],
        "time_to_untreatable_progression": ["untreatable progression", "death"],
    }
    for name, one in found.items():
        meaning = "event-free probability" + (", competing events censored" if name in competing else "")
        assert one["estimate"]["interpretation"] == meaning
        assert one["unit"] == ("lesion" if name.startswith("local") else "patient")
        assert [grouping["name"] for grouping in one["groupings"]] == (["size"] if one["unit"] == "lesion" else [])


async def test_recurrence_has_its_incidence_also_where_the_end_point_is_not_asked_for(
    client: httpx.AsyncClient,
) -> None:
    answer = (await post(client, changed(SMALL, endpoints=["overall_survival"]))).json()
    assert answer["local_recurrence"]["cumulative_incidence"]["groups"][0]["label"] == "all"
    assert answer["endpoints"][0]["cumulative_incidence"] is None


async def test_figures_that_do_not_exist_are_null_with_a_reason(client: httpx.AsyncClient) -> None:
    answer = (await post(client, SMALL)).json()
    upper_quartile = answer["endpoints"][0]["estimate"]["quantiles"][2]
    assert upper_quartile["estimate"] is None
    assert upper_quartile["reason"] == "not reached: survival stays above 0.25"


async def test_an_end_point_without_units_has_no_estimate(client: httpx.AsyncClient) -> None:
    request = json.loads(SMALL)
    for patient in request["cohort"]["patients"]:
        for lesion in patient["lesions"]:
            lesion |= {"primary_success": False, "secondary_success": False, "recurrences": []}
    answer = (await post(client, json.dumps(request).encode())).json()
    progression = answer["endpoints"][1]
    assert (progression["estimate"], progression["cumulative_incidence"], progression["groupings"]) == (None, None, [])
    assert progression["excluded"] == [{"reason": "never completely ablated", "count": 6}]
    assert answer["local_recurrence"]["cumulative_incidence"] is None
    assert answer["local_recurrence"]["lesions"]["proportion"] is None


async def test_more_patients_than_the_limit_are_refused() -> None:
    app = create_app(Settings(max_patients=3))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://atrisk") as client:
        response = await post(client, SMALL)
    assert response.status_code == 413
    assert response.json()["code"] == "too_many_subjects"


async def test_a_grouping_with_too_many_values_is_refused(client: httpx.AsyncClient) -> None:
    request = json.loads(BALE)
    for number, patient in enumerate(request["cohort"]["patients"] * 2):
        patient["covariates"] = {"number": number}
    request["cohort"]["patients"] += [
        patient | {"id": f"{patient['id']} again", "covariates": {"number": 100 + number}}
        for number, patient in enumerate(request["cohort"]["patients"])
    ]
    request["groupings"] = [{"name": "by number", "unit": "patient", "variable": "covariates.number"}]
    response = await post(client, json.dumps(request).encode())
    assert response.status_code == 422
    assert response.json()["code"] == "invalid_parameter"


async def test_faults_have_pointers_into_the_cohort(client: httpx.AsyncClient) -> None:
    request = json.loads(SMALL)
    patient = request["cohort"]["patients"][1]
    patient["cause_of_death"] = "other"
    patient["lesions"][0]["session_id"] = "absent"
    response = await post(client, json.dumps(request).encode())
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"pointer": "/cohort/patients/1/cause_of_death", "detail": "is given for a patient who did not die"},
        {"pointer": "/cohort/patients/1/lesions/0/session_id", "detail": "is no session of the patient"},
    ]


async def test_no_value_of_a_patient_is_logged(client: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither of a cohort that is answered nor of one that is refused."""
    request = json.loads(SMALL)
    request["cohort"]["patients"][0]["id"] = "MARKER"
    await post(client, json.dumps(request).encode())
    request["cohort"]["patients"][0]["died"] = "MARKER"
    refused = await post(client, json.dumps(request).encode())
    assert refused.status_code == 422
    assert "MARKER" not in refused.text
    captured = capfd.readouterr()
    assert "MARKER" not in captured.out + captured.err
