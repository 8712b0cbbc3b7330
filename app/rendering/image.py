"""A figure as the bytes of an image; matplotlib is imported when the first is drawn, not when the service starts."""

from threading import Lock
from typing import Literal

from app.rendering.figure import Figure
from app.rendering.layout import arrange

ImageType = Literal["image/svg+xml", "image/png"]

DRAWING = Lock()
"""matplotlib's settings and fonts are the process's: drawings in several threads at once would share them."""


def draw(figure: Figure, media_type: ImageType) -> bytes:
    """Return a figure as an image: the same bytes for the same figure, in any process and thread."""
    with DRAWING:
        from app.rendering import canvas  # noqa: PLC0415 - costs a second that no other request should wait for

        sheet = arrange(figure, canvas.measure)
        return canvas.svg(sheet) if media_type == "image/svg+xml" else canvas.png(sheet)
