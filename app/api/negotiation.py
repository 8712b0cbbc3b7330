"""Accept: what representation a client takes (RFC 9110, section 12.5.1)."""

from fastapi import Depends, Request

from app.api.errors import ProblemError


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
    if not quality(",".join(request.headers.getlist("accept")), "application/json") > 0:
        raise ProblemError("not_acceptable", "The answer is application/json, which Accept does not admit.")


JSONOnly = Depends(accepts_json)
"""For the `dependencies` of a route, or of a router, that answers in JSON and nothing else."""
