"""Tables of subjects as bodies, and what comes of them."""

import json
from typing import Any

import httpx

CSV = {"Content-Type": "text/csv"}
SMALL = "time,event\n5,1\n8.5,0\n12,1\n"
COX = "time,event,age,sex\n5,1,71,m\n8,0,64,f\n12,1,58,m\n13,1,66,f\n20,0,60,m\n"
FLAG = "must be true, false, 1 or 0"


async def post(
    client: httpx.AsyncClient, table: str | bytes, path: str = "/v1/survival", **query: Any
) -> httpx.Response:
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in query.items()}
    content = table if isinstance(table, bytes) else table.encode()
    return await client.post(path, content=content, headers=CSV, params=texts)


async def faults(client: httpx.AsyncClient, table: str | bytes, path: str = "/v1/survival", **query: Any) -> Any:
    response = await post(client, table, path, **query)
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, problem["code"], [(one["pointer"], one["detail"]) for one in problem["errors"]]


async def subjects_are(client: httpx.AsyncClient, table: str | bytes, subjects: Any, **query: Any) -> None:
    """Assert that a table is answered with the bytes, digest included, that the JSON of its subjects is."""
    path, options = query.pop("path", "/v1/survival"), query.get("options", {})
    answer = await post(client, table, path, **query)
    assert answer.status_code == 200, answer.text
    assert answer.content == (await client.post(path, json=options | {"subjects": subjects})).content
