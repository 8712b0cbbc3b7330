"""What deploy/ and the Dockerfile say agrees with the service, and with what Kubernetes takes."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
import yaml

from app import __version__
from app.settings import Settings

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))["services"]["atrisk"]
FOLDER = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
RESOURCES = {
    resource["kind"]: resource
    for name in KUSTOMIZATION["resources"]
    for resource in yaml.safe_load_all((FOLDER / name).read_text("utf-8"))
}
POD = RESOURCES["Deployment"]["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
LABELS = {"app.kubernetes.io/name": "atrisk"}
SETTINGS = {f"ATRISK_{name.upper()}" for name in Settings.model_fields}

(COMMAND,) = (json.loads(line) for line in re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE))


def option(name: str) -> str:
    """Return the value of an option of the image's command."""
    return str(COMMAND[COMMAND.index(name) + 1])


def quantity(text: str) -> float:
    """Return a Kubernetes quantity as a number."""
    number, unit = re.fullmatch(r"(\d+)(m|Mi|Gi|M|G|)", text).groups()  # type: ignore[union-attr]
    return int(number) * {"": 1, "m": 0.001, "Mi": 2**20, "Gi": 2**30, "M": 1e6, "G": 2**30}[unit]


@pytest.mark.parametrize("version", ["1.30.0", kubernetes_validate.latest_version()])
@pytest.mark.parametrize("kind", sorted(RESOURCES))
def test_kubernetes_takes_every_resource(kind: str, version: str) -> None:
    """No field that the schema lacks, and no kind that has no schema, from the oldest version that is meant on."""
    assert version.startswith(kubernetes_validate.validate(RESOURCES[kind], version, strict=True))


def test_a_field_that_kubernetes_lacks_is_found() -> None:
    service = RESOURCES["Service"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(service | {"spec": service["spec"] | {"port": 80}}, "1.30.0", strict=True)


def test_the_kustomization_names_every_file() -> None:
    files = {path.name for path in FOLDER.iterdir()} - {"kustomization.yaml"}
    assert set(KUSTOMIZATION["resources"]) == files
    assert set(RESOURCES) == {
        "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "ServiceAccount"
    }  # fmt: skip
    assert KUSTOMIZATION["images"] == [{"name": CONTAINER["image"], "newTag": __version__}]
    assert COMPOSE["image"] == f"{CONTAINER['image']}:{__version__}"


def test_resources_find_each_other_by_name_and_labels() -> None:
    assert {resource["metadata"]["name"] for resource in RESOURCES.values()} == {"atrisk"}
    assert POD["metadata"]["labels"] == LABELS
    specs = {kind: resource.get("spec", {}) for kind, resource in RESOURCES.items()}
    assert specs["Service"]["selector"] == LABELS
    spread = [constraint["labelSelector"] for constraint in POD["spec"]["topologySpreadConstraints"]]
    selectors = [specs["Deployment"]["selector"], specs["PodDisruptionBudget"]["selector"], *spread]
    assert selectors == [{"matchLabels": LABELS}] * 4
    assert specs["NetworkPolicy"]["podSelector"] == {"matchLabels": LABELS}
    target = specs["HorizontalPodAutoscaler"]["scaleTargetRef"]
    assert target == {"apiVersion": RESOURCES["Deployment"]["apiVersion"], "kind": "Deployment", "name": "atrisk"}
    assert POD["spec"]["serviceAccountName"] == RESOURCES["ServiceAccount"]["metadata"]["name"]


def test_ports_are_those_of_the_image() -> None:
    port = int(option("--port"))
    assert re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE) == [str(port)]
    assert CONTAINER["ports"] == [{"name": "http", "containerPort": port}]
    assert [one["targetPort"] for one in RESOURCES["Service"]["spec"]["ports"]] == ["http"]
    (rule,) = RESOURCES["NetworkPolicy"]["spec"]["ingress"]
    assert [one["port"] for one in rule["ports"]] == ["http"]
    assert POD["metadata"]["annotations"]["prometheus.io/port"] == str(port)
    assert [one.split(":")[-1] for one in COMPOSE["ports"]] == [str(port)]


@pytest.mark.anyio
async def test_what_is_probed_and_scraped_answers(client: httpx.AsyncClient) -> None:
    probes = [CONTAINER[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")]
    assert [probe["path"] for probe in probes] == ["/readyz", "/readyz", "/livez"]
    assert {probe["port"] for probe in probes} == {"http"}
    (checked,) = re.findall(r"c\.request\('GET', '(\S+)'\)", DOCKERFILE)
    scraped = POD["metadata"]["annotations"]["prometheus.io/path"]
    for path in {*(probe["path"] for probe in probes), checked, scraped}:
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize(
    "environment", [COMPOSE["environment"], {one["name"]: one["value"] for one in CONTAINER["env"]}], ids=str
)
def test_the_environment_is_of_settings(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.keys() <= SETTINGS
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Settings().max_body_bytes == 12 * 2**20


def test_the_readme_names_settings_that_exist() -> None:
    for file in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        assert set(re.findall(r"ATRISK_\w+", file.read_text("utf-8"))) <= SETTINGS


def test_memory_holds_the_largest_bodies_that_may_be_computed_and_wait() -> None:
    """By the rule of docs/scaling.md."""
    rule = re.search(
        r"(\d+) MiB \+ ATRISK_MAX_BODY_BYTES x \((\d+) x ATRISK_COMPUTING_PROCESSES \+ ATRISK_MAX_QUEUED_REQUESTS\)",
        (ROOT / "docs/scaling.md").read_text("utf-8"),
    )
    assert rule is not None
    idle, factor = map(int, rule.groups())
    for limit, environment in (
        (CONTAINER["resources"]["limits"]["memory"], {one["name"]: one["value"] for one in CONTAINER["env"]}),
        (COMPOSE["deploy"]["resources"]["limits"]["memory"], COMPOSE["environment"]),
    ):
        body, processes = (int(environment[f"ATRISK_{name}"]) for name in ("MAX_BODY_BYTES", "COMPUTING_PROCESSES"))
        needed = idle * 2**20 + body * (factor * processes + Settings().max_queued_requests)
        assert needed <= quantity(limit)


def test_nothing_in_the_container_has_rights() -> None:
    (user,) = re.findall(r"^USER (\d+:\d+)$", DOCKERFILE, re.MULTILINE)
    context = POD["spec"]["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == user
    assert context["runAsNonRoot"]
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
    }  # fmt: skip
    assert not POD["spec"]["automountServiceAccountToken"]
    assert not RESOURCES["ServiceAccount"]["automountServiceAccountToken"]
    assert not POD["spec"]["enableServiceLinks"]
    assert RESOURCES["NetworkPolicy"]["spec"]["egress"] == []
    assert COMPOSE["read_only"]
    assert (COMPOSE["cap_drop"], COMPOSE["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert all(port.startswith("127.0.0.1:") for port in COMPOSE["ports"])


@pytest.mark.parametrize("variable", ["MPLCONFIGDIR", "PROMETHEUS_MULTIPROC_DIR"])
def test_what_is_written_has_its_place(variable: str) -> None:
    (folder,) = re.findall(rf"{variable}=(\S+)", DOCKERFILE)
    writable = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert [volume["name"] for volume in POD["spec"]["volumes"] if "emptyDir" in volume] == [*writable]
    for mounts in (writable.values(), [mount.split(":")[0] for mount in COMPOSE["tmpfs"]]):
        assert any(Path(folder).is_relative_to(mount) for mount in mounts)


def test_requests_under_way_have_the_time_that_the_server_gives_them() -> None:
    graceful = int(option("--timeout-graceful-shutdown"))
    environment = {one["name"]: one["value"] for one in CONTAINER["env"]}
    assert graceful >= Settings().max_answer_seconds + 5
    assert POD["spec"]["terminationGracePeriodSeconds"] >= int(environment["ATRISK_DRAIN_SECONDS"]) + graceful + 5
    assert int(COMPOSE["stop_grace_period"].removesuffix("s")) >= graceful + 5
    unready: dict[str, Any] = CONTAINER["readinessProbe"]
    live: dict[str, Any] = CONTAINER["livenessProbe"]
    # A busy pod is taken out of the load balancer long before it is restarted.
    assert (
        2 * unready["periodSeconds"] * unready["failureThreshold"] <= live["periodSeconds"] * live["failureThreshold"]
    )
