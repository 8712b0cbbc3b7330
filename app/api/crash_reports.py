"""What the interpreter would print of failures and warnings: lines of the log have their class and place instead."""

import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from app.api.middleware import describe

logger = logging.getLogger("atrisk")


@contextmanager
def reticent() -> Iterator[None]:
    """Print no text of an exception or a warning, which may hold data, until the block ends."""
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning
    sys.excepthook = lambda _kind, error, _trace: _report(error)
    threading.excepthook = lambda failed: _report(failed.exc_value)
    sys.unraisablehook = lambda failed: _report(failed.exc_value)
    warnings.showwarning = _warn
    try:
        yield
    finally:
        sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning = hooks


def _report(error: BaseException | None) -> None:
    logger.error("failed", extra={"fields": describe(error or Exception())})


def _warn(  # noqa: PLR0917 - the parameters are Python's
    message: Warning | str,  # noqa: ARG001 - it may hold data
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    fields = {"warning": category.__name__, "place": f"{Path(filename).name}:{lineno}"}
    logger.warning("warned", extra={"fields": fields})
