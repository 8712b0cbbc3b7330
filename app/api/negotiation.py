"""Accept: what representation a client takes (RFC 9110, section 12.5.1)."""

from collections.abc import Callable, Coroutine, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Query, Request, Response

from app.api.errors import ProblemError

JSON: Final = "application/json"
SVG: Final = "image/svg+xml"
PNG: Final = "image/png"
CSV: Final = "text/csv"
MARKDOWN: Final = "text/markdown"
HTML: Final = "text/html"
VARY = {"Vary": "Accept"}


@lru_cache(maxsize=256)
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


def one_of(*offers: str) -> Callable[[Request, Response], Coroutine[Any, Any, str]]:
    """Return a dependency that tells which of the offers a request likes best, or refuses one that takes none."""

    async def chosen(request: Request, response: Response) -> str:
        response.headers.update(VARY)
        found = preferred(_accept(request), offers)
        if found is None:
            detail = f"The answer is {', '.join(offers[:-1])} or {offers[-1]}, none of which Accept admits."
            raise ProblemError("not_acceptable", detail, headers=VARY)
        return found

    return chosen


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


def wants_figures(request: Request) -> bool:
    """Return whether a request may be answered with figures."""
    return prefers_figures(_accept(request))


@lru_cache(maxsize=128)
def prefers_figures(accept: str) -> bool:
    """Return whether an Accept header likes anything with figures better than JSON, which is offered first wherever.

    Examples
    --------
    >>> [prefers_figures(accept) for accept in ("", "*/*", "text/csv", "image/png", "text/html, */*;q=0.8")]
    [False, False, False, True, True]
    """
    return max(quality(accept, media_type) for media_type in (SVG, PNG, HTML)) > quality(accept, JSON)


def _accept(request: Request) -> str:
    return ",".join(request.headers.getlist("accept"))


JSONOnly = Depends(accepts_json)
"""For the `dependencies` of a route, or of a router, that answers in JSON and nothing else."""

HTMLOnly = Depends(accepts_html)
"""For the `dependencies` of a route that answers with a page."""

JSONOrImage = Annotated[
    Literal["application/json", "image/svg+xml", "image/png", "text/csv"], Depends(one_of(JSON, SVG, PNG, CSV))
]
"""For a parameter of a route that answers in JSON, with a figure or with a table."""

JSONOrReport = Annotated[
    Literal["application/json", "text/markdown", "text/html", "text/csv"], Depends(one_of(JSON, MARKDOWN, HTML, CSV))
]
"""For a parameter of a route that answers in JSON, with a report or with a table."""

JSONOrTable = Annotated[Literal["application/json", "text/csv"], Depends(one_of(JSON, CSV))]
"""For a parameter of a route that answers in JSON or with a table."""

TableChoice = Annotated[
    Literal["summary", "curve"],
    Query(description="With `Accept: text/csv`: the summary, a line a quantity, or the curves, a line a time."),
]
