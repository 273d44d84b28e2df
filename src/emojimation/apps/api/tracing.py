"""OpenTelemetry by option: a span for each request, continued from the caller's `traceparent`."""

from collections.abc import Callable, Mapping
from typing import Any

from emojimation.extras import need

Attributes = Mapping[str, str | int | float]
# name, headers of the request, begin and end in nanoseconds since 1970, attributes
Record = Callable[[str, Mapping[str, str], int, int, Attributes], None]


class Spans:
    """Sends spans to a collector in the background. address: for OTLP over HTTP, such as http://host:4318/v1/traces."""

    def __init__(self, address: str):
        need("trace")
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import SpanKind

        self._provider = TracerProvider(resource=Resource.create({"service.name": "emojimation"}))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(address)))
        self._tracer: Any = self._provider.get_tracer("emojimation")
        self._kind = SpanKind.SERVER

    def record(self, name: str, headers: Mapping[str, str], began_ns: int, ended_ns: int, facts: Attributes) -> None:
        """A finished request."""
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract(headers)
        span = self._tracer.start_span(name, parent, self._kind, facts, start_time=began_ns)
        span.end(ended_ns)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()
