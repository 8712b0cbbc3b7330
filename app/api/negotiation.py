"""Accept: what representation a client takes (RFC 9110, section 12.5.1)."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from fastapi import Depends, Request, Response

from app.api.errors import ProblemError

JSON: Final = "application/json"
SVG: Final = "image/svg+xml"
PNG: Final = "image/png"
CSV: Final = "text/csv"
MARKDOWN: Final = "text/markdown"
HTML: Final = "text/html"
VARY = {"Vary": "Accept"}


def quality(accept: str, media_type: str) -> float:
    """Return the weight of a media type in an Accept header, by the most specific range that covers it; 0 = refused.

    Ranges that make no sense are passed over.

    Examples
    --------
    >>> quality("text/csv, application/*;q=0.5", "application/json")
    0.5
    >>> quality("*/*, application/json;q=0", "application/json")
    0.0
    """
    if not accept.strip():
        return 1.0
    weights = dict(_weighted(entry) for entry in accept.split(","))
    ranges = (media_type, media_type.split("/", maxsplit=1)[0] + "/*", "*/*")
    return next((weights[name] for name in ranges if name in weights), 0.0)


def _weighted(entry: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in entry.split(";"))
    weight = next((text.removeprefix("q=") for text in parameters if text.startswith("q=")), "1")
    try:
        return name, float(weight)
    except ValueError:
        return "", 0.0


async def accepts_json(request: Request) -> None:
    """Refuse a request that takes no JSON."""
    if preferred(_accept(request), [JSON]) is None:
        raise ProblemError("not_acceptable", "The answer is application/json, which Accept does not admit.")


async def accepts_html(request: Request) -> None:
    """Refuse a request that takes no HTML."""
    if preferred(_accept(request), [HTML]) is None:
        raise ProblemError("not_acceptable", "The page is text/html, which Accept does not admit.")


async def json_or_image(request: Request, response: Response) -> str:
    """Return which of JSON, SVG and PNG a request likes best, or refuse one that takes none."""
    response.headers.update(VARY)
    found = preferred(_accept(request), [JSON, SVG, PNG])
    if found is None:
        detail = f"The answer is {JSON}, {SVG} or {PNG}, none of which Accept admits."
        raise ProblemError("not_acceptable", detail, headers=VARY)
    return found


async def json_or_report(request: Request, response: Response) -> str:
    """Return which of JSON, Markdown and HTML a request likes best, or refuse one that takes none."""
    response.headers.update(VARY)
    found = preferred(_accept(request), [JSON, MARKDOWN, HTML])
    if found is None:
        detail = f"The answer is {JSON}, {MARKDOWN} or {HTML}, none of which Accept admits."
        raise ProblemError("not_acceptable", detail, headers=VARY)
    return found


def preferred(accept: str, offers: Sequence[str]) -> str | None:
    """Return the offer with the greatest weight in an Accept header, the first of several; None where none is taken.

    Examples
    --------
    >>> offers = ["application/json", "image/svg+xml", "image/png"]
    >>> [preferred(accept, offers) for accept in ("*/*", "image/*", "image/png, image/*;q=0.5", "text/csv")]
    ['application/json', 'image/svg+xml', 'image/png', None]
    """
    weights = {offer: quality(accept, offer) for offer in offers}
    return max((offer for offer in offers if weights[offer] > 0), key=weights.__getitem__, default=None)


def _accept(request: Request) -> str:
    return ",".join(request.headers.getlist("accept"))


JSONOnly = Depends(accepts_json)
"""For the `dependencies` of a route, or of a router, that answers in JSON and nothing else."""

HTMLOnly = Depends(accepts_html)
"""For the `dependencies` of a route that answers with a page."""

JSONOrImage = Annotated[Literal["application/json", "image/svg+xml", "image/png"], Depends(json_or_image)]
"""For a parameter of a route that answers in JSON or with a figure."""

JSONOrReport = Annotated[Literal["application/json", "text/markdown", "text/html"], Depends(json_or_report)]
"""For a parameter of a route that answers in JSON or with a report."""
