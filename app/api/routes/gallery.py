"""`GET /`: the page for people, with what it loads and the examples that it shows; none of it is in the contract."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.staticfiles import StaticFiles
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException

from app.api import convert_figure
from app.api.body import validated
from app.api.convert_report import report
from app.api.examples import example
from app.api.negotiation import CSV, HTML, SVG, HTMLOnly
from app.api.table_docs import as_csv
from app.api.workers import workers_of
from app.rendering.figure import Figure
from app.rendering.html_report import CONTENT_SECURITY_POLICY, html
from app.rendering.image import draw
from app.schemas.common import RequestModel
from app.schemas.competing_risks import CompetingRisksRequest
from app.schemas.flat_request import FlatRequest
from app.schemas.outcomes import OutcomesRequest
from app.schemas.survival_request import SurvivalRequest

Model = TypeVar("Model", bound=RequestModel)

router = APIRouter(include_in_schema=False)
files = StaticFiles(directory=Path(__file__).parents[2] / "pages")

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
EXAMPLE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "max-age=3600",
}
"""A figure has its styles in itself."""

EXAMPLES: dict[str, tuple[dict[str, Any], type[FlatRequest], Callable[[Any], Figure]]] = {
    "survival": (example("survival_request"), SurvivalRequest, convert_figure.survival),
    "competing-risks": (example("competing_risks_request"), CompetingRisksRequest, convert_figure.incidences),
}
WIDTHS = {"": 640, "-narrow": 328}
"""In px, by what follows the name of an example; a narrow one keeps its letters readable on a phone."""

FIGURES = {f"{name}{size}": (name, width) for name in EXAMPLES for size, width in WIDTHS.items()}


@router.get("/", dependencies=[HTMLOnly])
async def show_gallery(request: Request) -> Response:
    """Return the page: what the service is, examples, and a form to try it."""
    return await _file("index.html", request)


@router.get("/page/{name}")
async def read_page_file(name: str, request: Request) -> Response:
    """Return a file that the page loads."""
    return await _file(name, request)


async def _file(name: str, request: Request) -> Response:
    response = await files.get_response(name, request.scope)
    response.headers.update(PAGE_HEADERS)
    return response


@router.get("/example/{name}.svg")
async def draw_example(name: str, request: Request) -> Response:
    """Return the figure of an example."""
    if name not in FIGURES:
        raise HTTPException(404)
    if workers := workers_of(request):
        return await workers.answer(request)
    return Response(_drawn(*FIGURES[name]), media_type=SVG, headers=EXAMPLE_HEADERS)


@cache
def _drawn(name: str, width: int) -> bytes:
    request, model, figure = EXAMPLES[name]
    return draw(figure(_read(request | {"figure": {"width": width}}, model)[0]), SVG)


@router.get("/example/report")
async def report_example(request: Request) -> Response:
    """Return the report of the example cohort."""
    if workers := workers_of(request):
        return await workers.answer(request)
    headers = EXAMPLE_HEADERS | {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return Response(_reported(), media_type=HTML, headers=headers)


@cache
def _reported() -> str:
    return html(report(*_read(example("bale2018"), OutcomesRequest)))


def _read(request: Mapping[str, Any], model: type[Model]) -> tuple[Model, str]:
    """Return an example as a body of it would be read, and its digest."""
    return validated(json.dumps(request).encode(), TypeAdapter(model))


@router.get("/example/{name}.csv")
async def read_example(name: str) -> Response:
    """Return the subjects of an example as a table, with the unit of their times in a header."""
    if name not in EXAMPLES:
        raise HTTPException(404)
    request, model, _ = EXAMPLES[name]
    unit = _read(request, model)[0].time_unit
    return Response(as_csv(request["subjects"]), media_type=CSV, headers=EXAMPLE_HEADERS | {"Time-Unit": unit})
