"""What the tests of `POST /v1/regression/parametric` share: the example, and requests by HTTP."""

from typing import Any

import httpx

from app.api.examples import example
from tests.requests import posting

EXAMPLE = example("regression_parametric_request")
SUBJECTS = EXAMPLE["subjects"]
PATH = "/v1/regression/parametric"
WEIBULL = {"distributions": ["weibull"]}

post = posting(PATH)


async def refused(client: httpx.AsyncClient, **body: Any) -> tuple[str, str, list[str]]:
    """Return the code, the detail and the pointers with which a request is refused."""
    response = await client.post(PATH, json=body)
    problem = response.json()
    assert response.status_code == 422, response.text
    return problem["code"], problem["detail"], [fault["pointer"] for fault in problem["errors"]]
