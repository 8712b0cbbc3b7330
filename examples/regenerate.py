"""Write anew the answers, the figures and the reports that the documentation shows: `make examples`."""

import asyncio
import json
from pathlib import Path

import httpx

from app.main import create_app
from app.settings import Settings

FOLDER = Path(__file__).resolve().parent
DRAWN = ("survival_request.json", "competing_risks_request.json")
"""Requests whose answer may be a figure, too."""
REPORTED = "bale2018.json"
"""The request whose answer is also kept as a report, in each of these forms."""
REPORTS = {"text/markdown": "bale2018_report.md", "text/html": "bale2018_report.html"}
AS_SVG = {"Content-Type": "application/json", "Accept": "image/svg+xml"}


def path_of(name: str) -> str:
    """Return where the request of a file goes: regression_fine_gray_request.json to /v1/regression/fine-gray."""
    resource = name.removesuffix("_request.json").replace("regression_", "regression/")
    return "/v1/" + resource.replace("_", "-")


async def main() -> None:
    """Post each request of this folder, and keep its answer, its figure and its reports beside it."""
    transport = httpx.ASGITransport(create_app(Settings(computing_processes=0)))
    async with httpx.AsyncClient(transport=transport, base_url="http://atrisk") as client:
        for request in sorted(FOLDER.glob("*_request.json")):
            path = path_of(request.name)
            response = await client.post(path, json=json.loads(request.read_text("utf-8")))
            response.raise_for_status()
            answer = request.with_name(request.name.replace("_request", "_response"))
            answer.write_text(json.dumps(response.json(), indent=1, ensure_ascii=False) + "\n", "utf-8")
            if request.name in DRAWN:
                figure = await client.post(path, content=request.read_bytes(), headers=AS_SVG)
                request.with_name(request.name.replace("_request.json", "_figure.svg")).write_bytes(figure.content)
        for media_type, name in REPORTS.items():
            headers = {"Content-Type": "application/json", "Accept": media_type}
            content = (FOLDER / REPORTED).read_bytes()
            report = await client.post("/v1/outcomes", content=content, headers=headers)
            (FOLDER / name).write_bytes(report.content)


if __name__ == "__main__":
    asyncio.run(main())
