"""The overlay with API keys, laid over the manifests as kustomize does it."""

import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.settings import Settings
from tests.test_deploy import FOLDER, RESOURCES

OVERLAY = FOLDER.parent / "kubernetes-access"
KUSTOMIZATION = yaml.safe_load((OVERLAY / "kustomization.yaml").read_text("utf-8"))
PATCH = yaml.safe_load((OVERLAY / "deployment.yaml").read_text("utf-8"))


def laid_over(base: Any, patch: Any) -> Any:
    """Return a resource with a strategic merge patch: in lists, what has a name is the same where the name is."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return base | {key: laid_over(base.get(key), part) for key, part in patch.items()}
    if isinstance(base, list) and isinstance(patch, list):
        named, others = {one["name"]: one for one in patch}, {one["name"] for one in base}
        merged = [laid_over(one, named[one["name"]]) if one["name"] in named else one for one in base]
        return [*merged, *(one for name, one in named.items() if name not in others)]
    return patch


DEPLOYMENT = laid_over(RESOURCES["Deployment"], PATCH)
POD = DEPLOYMENT["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", ["1.30.0", kubernetes_validate.latest_version()])
def test_kubernetes_takes_it(version: str) -> None:
    assert version.startswith(kubernetes_validate.validate(DEPLOYMENT, version, strict=True))
    assert len(POD["containers"]) == 1
    assert (
        len(POD["containers"][0]["env"])
        == len(RESOURCES["Deployment"]["spec"]["template"]["spec"]["containers"][0]["env"]) + 2
    )


def test_it_is_of_the_manifests_beside_it() -> None:
    assert [(OVERLAY / path).resolve() for path in KUSTOMIZATION["resources"]] == [FOLDER.resolve()]
    assert [patch["path"] for patch in KUSTOMIZATION["patches"]] == ["deployment.yaml"]
    assert all(PATCH[key] == RESOURCES["Deployment"][key] for key in ("apiVersion", "kind"))
    assert PATCH["metadata"]["name"] == RESOURCES["Deployment"]["metadata"]["name"]


def test_the_keys_are_where_the_service_looks_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the secret that the command makes, mounted for reading."""
    (container,) = POD["containers"]
    environment = {one["name"]: one["value"] for one in container["env"]}
    file = Path(environment["ATRISK_API_KEYS_FILE"])
    (mount,) = (one for one in container["volumeMounts"] if one["mountPath"] == str(file.parent))
    (volume,) = (one for one in POD["volumes"] if one["name"] == mount["name"])
    made = f"kubectl create secret generic {volume['secret']['secretName']} --from-file={file.name}"
    assert made in (OVERLAY / "kustomization.yaml").read_text("utf-8")
    assert mount["readOnly"]
    (tmp_path / file.name).write_text("[]")
    for name, value in (environment | {"ATRISK_API_KEYS_FILE": str(tmp_path / file.name)}).items():
        monkeypatch.setenv(name, value)
    assert Settings().open_scopes == set(json.loads(environment["ATRISK_OPEN_SCOPES"]))
    assert Settings().guarded
