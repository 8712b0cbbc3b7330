"""What the tests of `POST /v1/regression/parametric` share: the example, and requests by HTTP."""

import json
from pathlib import Path
from typing import Any

import httpx

EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE: dict[str, Any] = json.loads((EXAMPLES / "regression_parametric_request.json").read_text())
SUBJECTS = EXAMPLE["subjects"]
PATH = "/v1/regression/parametric"
WEIBULL = {"distributions": ["weibull"]}


async def post(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    """Return the answer to a request, whose digest is of no interest."""
    response = await client.post(PATH, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    answer["meta"].pop("input_sha256")
    return answer


async def refused(client: httpx.AsyncClient, **body: Any) -> tuple[str, str, list[str]]:
    """Return the code, the detail and the pointers with which a request is refused."""
    response = await client.post(PATH, json=body)
    problem = response.json()
    assert response.status_code == 422, response.text
    return problem["code"], problem["detail"], [fault["pointer"] for fault in problem["errors"]]


def as_rows(columns: dict[str, Any]) -> list[dict[str, Any]]:
    covariates = columns["covariates"]
    flat = {name: column for name, column in columns.items() if name != "covariates"}
    return [
        {name: column[place] for name, column in flat.items()}
        | {"covariates": {name: column[place] for name, column in covariates.items()}}
        for place in range(len(columns["time"]))
    ]
