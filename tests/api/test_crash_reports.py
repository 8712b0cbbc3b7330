"""What nobody catches is reported without its text."""

import json
import logging
import sys
import threading
import warnings
from typing import Any

import pytest

from app.api.crash_reports import reticent
from app.api.middleware import JSONFormatter


class Fragile:
    def __del__(self) -> None:
        raise KeyError("hidden")


def in_a_thread() -> None:
    thread = threading.Thread(target=lambda: int("hidden"))
    thread.start()
    thread.join()


def without_an_end() -> None:
    Fragile()


def at_top_level() -> None:
    try:
        int("hidden")
    except ValueError:
        sys.excepthook(*sys.exc_info())


def warned() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("hidden", RuntimeWarning, stacklevel=1)


@pytest.mark.parametrize(
    ("fail", "fields"),
    [
        (in_a_thread, {"exception": "builtins.ValueError"}),
        (without_an_end, {"exception": "builtins.KeyError"}),
        (at_top_level, {"exception": "builtins.ValueError"}),
        (warned, {"warning": "RuntimeWarning"}),
    ],
)
def test_failures_and_warnings_are_told_by_class_and_place(
    fail: Any, fields: dict[str, str], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with reticent():
        fail()
    (line,) = (json.loads(JSONFormatter().format(record)) for record in caplog.records)
    assert fields.items() <= line.items()
    assert "test_crash_reports" in str(line.get("place", line.get("frames")))
    assert "hidden" not in str(line) + "".join(capfd.readouterr())


def test_all_is_as_it_was_afterwards() -> None:
    def hooks() -> list[Any]:
        return [sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning]

    before = hooks()
    with reticent():
        assert all(ours != theirs for ours, theirs in zip(hooks(), before, strict=True))
    assert hooks() == before


def test_a_failure_without_an_exception_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    with reticent():
        threading.excepthook(threading.ExceptHookArgs((SystemError, None, None, None)))
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
