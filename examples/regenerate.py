"""Write anew the answers that the documentation shows: `make examples`."""

import asyncio
import json
from pathlib import Path

import httpx

from app.main import create_app

FOLDER = Path(__file__).resolve().parent


def path_of(name: str) -> str:
    """Return where the request of a file goes: regression_fine_gray_request.json to /v1/regression/fine-gray."""
    resource = name.removesuffix("_request.json").replace("regression_", "regression/")
    return "/v1/" + resource.replace("_", "-")


async def main() -> None:
    """Post each request of this folder, and keep its answer beside it."""
    transport = httpx.ASGITransport(create_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://atrisk") as client:
        for request in sorted(FOLDER.glob("*_request.json")):
            path = path_of(request.name)
            response = await client.post(path, json=json.loads(request.read_text("utf-8")))
            response.raise_for_status()
            answer = request.with_name(request.name.replace("_request", "_response"))
            answer.write_text(json.dumps(response.json(), indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    asyncio.run(main())
