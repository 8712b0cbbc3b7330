"""OpenTelemetry by FastAPI's own switch, less what its spans would have of a request.

They would have the path and the query as they were sent, the host that was asked for, an unknown method, and the state
that the caller's tracer sends along; its log records would have the texts of exceptions. Here spans have what is in
`KEPT`, and what FastAPI adds later: the template of the path, the status, the class of an exception. There are no log
records. Where all this goes is said by the environment's OTEL_ variables.
"""

from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

from app import __version__

KEPT = {"url.scheme", "http.request.method", "network.protocol.version"}


def telemetry() -> TelemetryConfig:
    """Return what FastAPI is to send: a span a request, and metrics of them.

    From now on OpenTelemetry reads the headers of trace contexts alone: what reads baggage logs what it cannot read.
    """
    propagate.set_global_textmap(TraceContextTextMapPropagator())
    resource = Resource({"service.name": "atrisk", "service.version": __version__})
    resource = resource.merge(OTELResourceDetector().detect())
    return {
        "tracing": True,
        "metrics": True,
        "logs": False,
        "operation_spans": False,
        "auto_configure": True,
        "tracer_provider": ReticentProvider(resource=resource, shutdown_on_exit=False),
        "meter_provider": MeterProvider(resource=resource, shutdown_on_exit=False),
    }


class ReticentProvider(TracerProvider):
    """A provider of tracers that keep to themselves what was sent."""

    def get_tracer(self, *scope: Any, **options: Any) -> Tracer:
        """Return a tracer."""
        return ReticentTracer(super().get_tracer(*scope, **options))


class ReticentTracer(Tracer):
    """A tracer whose spans start with the attributes in `KEPT` only, and know of their parent no more than its ids."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def start_span(
        self, name: str, context: Context | None = None, *_: Any, attributes: Attributes = None, **options: Any
    ) -> Span:
        """Return a span."""
        kept = {key: value for key, value in (attributes or {}).items() if key in KEPT}
        return self._tracer.start_span(name, _bare(context), attributes=kept, **options)

    def start_as_current_span(self, *_: Any, **__: Any) -> Any:
        """Refuse: FastAPI does so for parts of a request, which are switched off."""
        raise NotImplementedError


def _bare(context: Context | None) -> Context:
    parent = trace.get_current_span(context).get_span_context()
    if not parent.is_valid:
        return Context()
    bare = SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=parent.trace_flags)
    return trace.set_span_in_context(NonRecordingSpan(bare), Context())
