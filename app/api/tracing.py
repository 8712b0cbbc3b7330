"""Trace context (W3C): by which a request is found in the logs and traces of those whom it passes."""

import re

from opentelemetry import trace
from starlette.datastructures import Headers

TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
FIRST_VERSION, NO_VERSION = "00", "ff"


def trace_ids(headers: Headers) -> dict[str, str]:
    """Return `trace_id` and `span_id`: those of our own span where there is one, else of the caller's; none without.

    What is not as `traceparent` has to be is passed over (https://www.w3.org/TR/trace-context, 3.2 and 4.3).

    Examples
    --------
    >>> trace_ids(Headers({"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}))
    {'trace_id': '0af7651916cd43dd8448eb211c80319c', 'span_id': 'b7ad6b7169203331'}
    >>> trace_ids(Headers({"traceparent": "00-00000000000000000000000000000000-b7ad6b7169203331-01"}))
    {}
    """
    ours = trace.get_current_span().get_span_context()
    if ours.is_valid:
        return {"trace_id": trace.format_trace_id(ours.trace_id), "span_id": trace.format_span_id(ours.span_id)}
    sent = headers.getlist("traceparent")
    found = TRACEPARENT.fullmatch(sent[0]) if len(sent) == 1 else None
    if found is None:
        return {}
    version, trace_id, span_id, rest = found.groups()
    if version == NO_VERSION or (version == FIRST_VERSION and rest) or not int(trace_id, 16) or not int(span_id, 16):
        return {}
    return {"trace_id": trace_id, "span_id": span_id}
