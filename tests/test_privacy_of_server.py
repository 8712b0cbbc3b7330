"""Nothing that was sent is in what a server emits: standard output and error, whole, and what OpenTelemetry sends."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx

from app.api.access import digest
from tests.privacy import DIGITS, FAILING, HEADERS, JSON, TEXT, answered, leaks
from tests.servers import PATIENCE, serving

KEY = TEXT + DIGITS


def raw(line: str, *headers: str, body: str = "") -> str:
    """Return what is sent for a request."""
    return "\r\n".join((line, *headers, "", body))


HOST, AUTHORIZED, LENGTH = f"host: {TEXT}:{DIGITS}", f"x-api-key: {KEY}", "content-length: 99"
WEBSOCKET = (
    *("connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"),
    *("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", f"sec-websocket-protocol: {TEXT}"),
)
RAW = [
    raw(TEXT),
    raw(f"GET /{TEXT} HTTP/9.{DIGITS}"),
    raw(f"{TEXT.upper()} /{TEXT} HTTP/1.1", HOST, AUTHORIZED),
    raw("POST /v1/survival HTTP/1.1", HOST, AUTHORIZED, f"content-length: {TEXT}"),
    raw("POST /v1/survival HTTP/1.1", HOST, AUTHORIZED, "content-type: application/json", LENGTH, body=TEXT),
    raw(f"GET /v1/survival?options={TEXT} HTTP/1.1", HOST, AUTHORIZED, *WEBSOCKET),
    raw("GET /livez HTTP/1.1", HOST, f"expect: {TEXT}", f"upgrade: {TEXT}", "connection: upgrade"),
]
"""No requests, half of one, and what asks for another protocol."""


CRASHING = "/v1/recurrences"
KNOWN_TO_THE_SERVER = [way for way in FAILING if way[0] != TEXT.upper()]


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Take what OpenTelemetry sends, and give its address and what has come."""
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.path.encode() + self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()


def send_raw(url: str, content: str) -> None:
    """Send bytes, wait for an answer for a moment, and leave."""
    with socket.create_connection((httpx.URL(url).host, httpx.URL(url).port or 0), timeout=1) as connection:
        connection.sendall(content.encode())
        try:
            connection.recv(1000)
        except TimeoutError:
            return


def test_a_server_tells_nothing_of_requests(tmp_path: Path) -> None:
    """With access and OpenTelemetry on, logs at the level debug, WebSockets not switched off, and metrics in files."""
    keys = [{"name": "analyst", "sha256": digest(KEY).hex(), "scopes": ["analysis", "docs", "metrics"]}]
    with collector() as (endpoint, received):
        environment = {
            "ATRISK_LOG_LEVEL": "debug",
            "ATRISK_API_KEYS": json.dumps(keys),
            "ATRISK_TELEMETRY": "true",
            "ATRISK_COMPUTING_PROCESSES": "1",
            "ATRISK_MAX_BODY_BYTES": "500000",
            "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "PYTHONASYNCIODEBUG": "1",
            "PYTHONWARNINGS": "always",
        }
        with serving(["--log-level", "trace", "--factory"], app="tests.crashing:service", **environment) as server:
            with httpx.Client(base_url=server.url, headers=HEADERS | {"x-api-key": KEY}, timeout=PATIENCE) as client:
                for path, body in answered():
                    for content in (json.dumps(body), json.dumps(body) + " " * 100_001):  # answered here, and elsewhere
                        status = client.post(path, content=content, headers=JSON).status_code
                        assert status == 200 or path == CRASHING
                for method, path, headers, content, status in KNOWN_TO_THE_SERVER:
                    assert client.request(method, path, content=content, headers=headers).status_code == status
                    assert client.request(method, path, headers={"x-api-key": TEXT}).status_code == 401
                metrics = client.get("/metrics").text
            for content in RAW:
                send_raw(server.url, content)
    assert leaks(server.output) == []
    assert leaks(metrics) == []
    records = [json.loads(line) for line in server.output.splitlines() if line.startswith("{")]
    assert {"builtins.RuntimeError", None} == {record.get("exception") for record in records}
    assert {"request", "failed", "warned"} <= {record["message"] for record in records}
    sent = b"\n".join(received).decode("latin-1")
    assert all(part in sent for part in ("/v1/traces", "/v1/metrics", "POST /v1/survival", "http.route"))
    assert leaks(sent) == []
