"""What routes ask for: the settings, the digest of the body; and the answers that are no JSON."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.negotiation import CSV, HTML, MARKDOWN, VARY
from app.rendering.document import Document
from app.rendering.figure import Figure
from app.rendering.html_report import CONTENT_SECURITY_POLICY, html
from app.rendering.image import ImageType, draw
from app.rendering.markdown_report import markdown
from app.settings import Settings


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


def tabled(table: str) -> Response:
    """Return an answer that is a table."""
    return Response(table, media_type=CSV, headers=VARY)


def drawn(figure: Figure, image_type: ImageType) -> Response:
    """Return an answer that is a figure."""
    return Response(draw(figure, image_type), media_type=image_type, headers=VARY)


def reported(document: Document, media_type: str) -> Response:
    """Return an answer that is a report."""
    if media_type == MARKDOWN:
        return Response(markdown(document), media_type=MARKDOWN, headers=VARY)
    return Response(
        html(document), media_type=HTML, headers=VARY | {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    )
