"""What routes ask for: the settings, the digest of the body, and a place to compute."""

from collections.abc import Callable
from typing import Annotated, ParamSpec, TypeVar

import anyio.to_thread
from fastapi import Depends, Request, Response

from app.api.negotiation import CSV, HTML, MARKDOWN, VARY
from app.rendering.document import Document
from app.rendering.figure import Figure
from app.rendering.html_report import CONTENT_SECURITY_POLICY, html
from app.rendering.image import ImageType, draw
from app.rendering.markdown_report import markdown
from app.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")
Body = TypeVar("Body")


async def current_settings(request: Request) -> Settings:
    """Return the settings that the app was made with."""
    settings: Settings = request.app.state.settings
    return settings


async def input_digest(request: Request) -> str:
    """Return the SHA-256 of the body's canonical JSON (RFC 8785)."""
    digest: str = request.state.input_sha256
    return digest


CurrentSettings = Annotated[Settings, Depends(current_settings)]
InputDigest = Annotated[str, Depends(input_digest)]


async def run_sized(request: Request, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call the function here if the request's body is small, else in a worker thread.

    A thread hop costs a small request a third of its time; a large one in the event loop makes all others wait.
    """
    if request.state.body_bytes <= request.app.state.settings.inline_body_bytes:
        return function(*args, **kwargs)
    return await anyio.to_thread.run_sync(lambda: function(*args, **kwargs))


async def tabled(
    request: Request, write: Callable[[T], str], answer: Callable[[Body, str], T], body: Body, digest: str
) -> Response:
    """Answer with the table that `write` makes of the answer to a body."""
    content = await run_sized(request, lambda: write(answer(body, digest)))
    return Response(content, media_type=CSV, headers=VARY)


async def drawn(request: Request, figure: Figure, image_type: ImageType) -> Response:
    """Answer with a figure, drawn in a worker thread: one at a time, and those that wait for it take up no thread."""
    content = await anyio.to_thread.run_sync(draw, figure, image_type, limiter=request.app.state.drawing)
    return Response(content, media_type=image_type, headers=VARY)


async def reported(request: Request, document: Document, media_type: str) -> Response:
    """Answer with a report; that with figures is made as these are."""
    if media_type == MARKDOWN:
        return Response(await run_sized(request, markdown, document), media_type=MARKDOWN, headers=VARY)
    content = await anyio.to_thread.run_sync(html, document, limiter=request.app.state.drawing)
    return Response(content, media_type=HTML, headers=VARY | {"Content-Security-Policy": CONTENT_SECURITY_POLICY})
