"""The example of a gateway: it does with the service what docs/access.md says, and writes nothing of a request."""

import ipaddress
import json
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.api.access import digest
from app.schemas.problem import Problem
from app.settings import Settings
from tests.servers import PATIENCE, free_port, serving

DEPLOY = Path(__file__).parent.parent / "deploy"
CONFIGURATION = (DEPLOY / "gateway" / "nginx.conf").read_text("utf-8")
OVERRIDE = yaml.safe_load((DEPLOY / "compose.gateway.yaml").read_text("utf-8"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
KEYS = {name: f"key-of-{name}" for name in ("first", "many", "other", "large")}
BURST = 21
"""Requests that a caller may send at once: the burst, and one."""


def certificate(folder: Path) -> Path:
    """Write a certificate of this machine and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    now, host = datetime.now(UTC), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    signed = builder.add_extension(x509.SubjectAlternativeName([host]), critical=True).sign(key, SHA256())
    (folder / "tls.crt").write_bytes(signed.public_bytes(Encoding.PEM))
    (folder / "tls.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "tls.crt"


def replaced(text: str, **parts: str) -> str:
    """Return the configuration with parts as they are here; each of them is in it."""
    for part, other in parts.items():
        assert part in text
        text = text.replace(part, other)
    return text


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Path]]:
    """Run the gateway and the service, and give a client and what the gateway writes."""
    if not shutil.which("nginx"):
        pytest.skip("there is no nginx")
    folder, port = tmp_path_factory.mktemp("gateway"), free_port()
    trusted, output = certificate(folder), folder / "output"
    entries = [{"name": name, "sha256": digest(key).hex(), "scopes": ["analysis"]} for name, key in KEYS.items()]
    with serving(ATRISK_API_KEYS=json.dumps(entries)) as server, output.open("w") as written:
        parts = {"/tmp": str(folder), "/etc/nginx/tls": str(folder)}  # noqa: S108 - in this order
        parts |= {"atrisk:8000": server.url.removeprefix("http://"), "listen 8443": f"listen 127.0.0.1:{port}"}
        parts["rate=10r/s"] = "rate=10r/m"  # however slowly this machine asks
        (folder / "nginx.conf").write_text(replaced(CONFIGURATION, **parts))
        command = ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
        assert subprocess.run([*command, "-t"], check=False).returncode == 0  # noqa: S603
        process = subprocess.Popen([*command, "-g", "daemon off;"], stdout=written, stderr=written)  # noqa: S603
        context = ssl.create_default_context(cafile=str(trusted))
        try:
            with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=context, timeout=PATIENCE) as client:
                wait_for(client)
                yield client, output
        finally:
            process.terminate()
            process.wait(PATIENCE)


def wait_for(client: httpx.Client) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            assert client.get("/livez").status_code == 200
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("it does not start")


def assert_is_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = Problem.model_validate(answer.json(), strict=True)
    assert (problem.status, problem.code) == (status, code)
    assert problem.instance == f"urn:atrisk:request:{answer.headers['x-request-id']}"


def test_requests_pass_with_their_credentials_and_ids(gateway: tuple[httpx.Client, Path]) -> None:
    client, _ = gateway
    body = {"subjects": {"time": [1, 2], "event": [1, 0]}}
    answer = client.post("/v1/survival", json=body, headers={"x-api-key": KEYS["first"], "x-request-id": "mine"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "mine")
    refused = client.post("/v1/survival", json=body, headers={"x-request-id": "not sane"})
    assert_is_problem(refused, 401, "unauthenticated")
    assert re.fullmatch("[0-9a-f]{32}", refused.headers["x-request-id"])


def test_a_caller_has_a_rate_of_its_own(gateway: tuple[httpx.Client, Path]) -> None:
    client, _ = gateway
    answers = [client.get("/v1/conventions", headers={"x-api-key": KEYS["many"]}) for _ in range(2 * BURST)]
    other = client.get("/v1/conventions", headers={"x-api-key": KEYS["other"]})
    assert other.status_code == 200
    limited = [answer for answer in answers if answer.status_code != 200]
    assert [answer.status_code for answer in answers[:BURST]] == [200] * BURST
    assert limited
    for answer in limited:
        assert_is_problem(answer, 429, "too_many_requests")
        assert answer.headers["retry-after"] == "1"


def test_what_the_gateway_refuses_has_the_shape_of_what_the_service_refuses(gateway: tuple[httpx.Client, Path]) -> None:
    client, _ = gateway
    headers = {"x-api-key": KEYS["large"], "content-type": "application/json"}
    assert_is_problem(
        client.post("/v1/survival", content=b" " * (12 * 2**20 + 1), headers=headers), 413, "body_too_large"
    )
    assert_is_problem(client.post("/v1/survival", content=b" " * 12 * 2**20, headers=headers), 400, "invalid_json")
    assert_is_problem(client.get("/metrics", headers=headers), 404, "not_found")


def test_nothing_of_a_request_is_written(gateway: tuple[httpx.Client, Path]) -> None:
    client, output = gateway
    for _ in range(3 * BURST):
        client.post("/v1/survival?options=Qx7Leak", content="Qx7Leak", headers={"x-api-key": "Qx7Leak"})
    client.post("/Qx7Leak", content=b"Qx7Leak" * 2**21)
    assert "Qx7Leak" not in output.read_text("utf-8")
    assert not any(file.is_file() for name in ("client_body", "proxy") for file in (output.parent / name).rglob("*"))


def test_a_service_that_is_gone_is_a_503(tmp_path: Path, gateway: tuple[httpx.Client, Path]) -> None:
    client, output = gateway
    configuration = output.parent / "nginx.conf"
    text = configuration.read_text("utf-8")
    configuration.write_text(re.sub(r"server 127.0.0.1:\d+;", f"server 127.0.0.1:{free_port()};", text))
    command = ["nginx", "-p", str(output.parent), "-e", "stderr", "-c", str(configuration), "-s", "reload"]
    subprocess.run(command, check=True)  # noqa: S603
    end = time.monotonic() + PATIENCE
    while (answer := client.get("/livez", headers={"x-api-key": KEYS["first"]})).status_code != 503:
        assert time.monotonic() < end
        time.sleep(0.5)
    assert_is_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "5"


def test_its_limits_are_those_of_the_service() -> None:
    (size,) = re.findall(r"client_max_body_size (\d+)m;", CONFIGURATION)
    limit = int(COMPOSE["services"]["atrisk"]["environment"]["ATRISK_MAX_BODY_BYTES"])
    assert int(size) * 2**20 == limit
    assert f"at most {limit} bytes" in CONFIGURATION
    assert f"client_body_buffer_size {size}m;" in CONFIGURATION
    (patience,) = re.findall(r"proxy_read_timeout (\d+)s;", CONFIGURATION)
    assert int(patience) > Settings().max_answer_seconds


def test_the_compose_file_mounts_what_is_there() -> None:
    service, proxy = (OVERRIDE["services"][name] for name in ("atrisk", "gateway"))
    variables: dict[str, Any] = service["environment"]
    assert {name.removeprefix("ATRISK_").lower() for name in variables} <= {*Settings.model_fields}
    assert variables["ATRISK_API_KEYS_FILE"] == f"/run/secrets/{service['secrets'][0]}"
    assert [*OVERRIDE["secrets"]] == service["secrets"]
    assert [*COMPOSE["services"]] == ["atrisk"]
    assert "server atrisk:8000;" in CONFIGURATION
    mounts = dict(one.split(":")[:2] for one in proxy["volumes"])
    assert (DEPLOY / "gateway/nginx.conf").samefile(DEPLOY / next(iter(mounts)))
    assert all(
        path.startswith(tuple(mounts.values())) for path in re.findall(r"ssl_certificate\w* (\S+);", CONFIGURATION)
    )
    assert (proxy["read_only"], proxy["cap_drop"]) == (True, ["ALL"])
