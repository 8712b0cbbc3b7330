"""Figures over HTTP, for the tests."""

import json
from pathlib import Path
from typing import Any

import httpx

from tests.references import reference

SVG, PNG = "image/svg+xml", "image/png"
FOLDER = Path(__file__).parents[2]
SURVIVAL: dict[str, Any] = json.loads((FOLDER / "examples" / "survival_request.json").read_text())
RISKS: dict[str, Any] = json.loads((FOLDER / "examples" / "competing_risks_request.json").read_text())
REQUESTS = {"/v1/survival": SURVIVAL, "/v1/competing-risks": RISKS}


async def figure(client: httpx.AsyncClient, path: str, body: dict[str, Any], accept: str = SVG) -> bytes:
    """Return the image that answers a request."""
    response = await client.post(path, json=body, headers={"accept": accept})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == accept
    assert response.headers["vary"] == "Accept"
    return response.content


def data(name: str, *columns: str, **named: str) -> dict[str, Any]:
    """Return columns of a file of tests/data, some under other names."""
    values = reference(name)["columns"]
    return {column: values[column] for column in columns} | {name: values[column] for name, column in named.items()}
