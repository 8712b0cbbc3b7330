"""What the resources that take a body have in common: a router, an answer that is shown, a limit of rows."""

from typing import Any

from fastapi import APIRouter, Request

from app.api.body import JSONRoute
from app.api.errors import BODY_CODES, ProblemError, problem_responses
from app.api.examples import example
from app.api.negotiation import CSV, HTML, JSON, MARKDOWN, PNG, SVG, JSONOnly
from app.api.tables import TableRoute
from app.settings import Settings

TABLE_CODES = ("invalid_table", "invalid_parameter")


class SlowTableRoute(TableRoute):
    """A route whose answers take long however small the body."""

    def is_slow(self, _request: Request, _body: bytes) -> bool:
        """Return that other requests should not wait for the answer."""
        return True


def resource_router(
    tag: str, *codes: str, prefix: str = "/v1", negotiates: bool = False, tables: bool = False, slow: bool = False
) -> APIRouter:
    """Return a router of JSON in, JSON out; `codes` are what its routes may fail with besides what all may.

    Where `negotiates` is said, its routes take a dependency such as `JSONOrImage`, and answer as that says; where
    `tables` is, their bodies may be tables of subjects.
    """
    codes = tuple(dict.fromkeys((*BODY_CODES, "too_many_subjects", *(TABLE_CODES if tables else ()), *codes)))
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=SlowTableRoute if slow else TableRoute if tables else JSONRoute,
        dependencies=[] if negotiates else [JSONOnly],
        responses=problem_responses(*codes),
    )


def shown(description: str, name: str) -> dict[int | str, dict[str, Any]]:
    """Return how a route documents its answer, with that of a file of examples/."""
    return {200: {"description": description, "content": {JSON: {"example": example(name)}}}}


def shown_or_drawn(description: str, name: str) -> dict[int | str, dict[str, Any]]:
    """Return how a route documents an answer that may also be a figure or a table."""
    return _shown_also_as(shown(description, name), SVG, PNG, CSV)


def shown_or_reported(description: str, name: str) -> dict[int | str, dict[str, Any]]:
    """Return how a route documents an answer that may also be a report or a table."""
    return _shown_also_as(shown(description, name), MARKDOWN, HTML, CSV)


def shown_or_tabled(description: str, name: str) -> dict[int | str, dict[str, Any]]:
    """Return how a route documents an answer that may also be a table."""
    return _shown_also_as(shown(description, name), CSV)


def _shown_also_as(documented: dict[int | str, dict[str, Any]], *media_types: str) -> dict[int | str, dict[str, Any]]:
    for media_type in media_types:
        documented[200]["content"][media_type] = {"schema": {"type": "string", "contentMediaType": media_type}}
    documented[200]["headers"] = {"Vary": {"description": "`Accept`", "schema": {"type": "string"}}}
    return documented


def check_rows(rows: int, settings: Settings) -> None:
    """Refuse more rows of subjects than the limit."""
    if rows > settings.max_subjects:
        raise ProblemError("too_many_subjects", f"There may be at most {settings.max_subjects} rows of subjects.")


def check_patients(patients: int, settings: Settings) -> None:
    """Refuse more patients than the limit."""
    if patients > settings.max_patients:
        raise ProblemError("too_many_subjects", f"A cohort may have at most {settings.max_patients} patients.")
