"""Trace context: taken where it is as it has to be, passed over elsewhere."""

import pytest
from starlette.datastructures import Headers

from app.api.tracing import trace_ids

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FOUND = {"trace_id": TRACE, "span_id": SPAN}


@pytest.mark.parametrize("sent", [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-01-later"])
def test_a_trace_context_is_taken(sent: str) -> None:
    """Of a version that is not known yet, the part that is known."""
    assert trace_ids(Headers({"traceparent": sent})) == FOUND


@pytest.mark.parametrize(
    "sent",
    [
        "",
        TRACE,
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}g-01",
        f"00-{TRACE}-{SPAN}-0\u0661",
    ],
    ids=ascii,
)
def test_another_is_passed_over(sent: str) -> None:
    headers = Headers(raw=[(b"traceparent", sent.encode("latin-1", "replace"))])
    assert trace_ids(headers) == {}


def test_two_of_them_are_none() -> None:
    raw = [(b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())]
    assert trace_ids(Headers(raw=raw)) == FOUND
    assert trace_ids(Headers(raw=raw * 2)) == {}
