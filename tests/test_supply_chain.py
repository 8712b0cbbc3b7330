"""The locks, and the bill of materials that is made of one."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
PINNED = re.compile(
    r"^([a-z0-9-]+)==(\S+)(?: ;[^\\]*)? \\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_nothing_but_versions_and_hashes(name: str) -> None:
    """No host of a registry, no path of a machine."""
    lock = (ROOT / name).read_text("utf-8")
    assert len(PINNED.findall(lock)) > 40
    assert PINNED.sub("", lock) == ""


def test_the_image_and_the_environment_are_made_of_hashes() -> None:
    for file, lock in zip(("Dockerfile", "Makefile"), LOCKS, strict=True):
        assert f"pip install --require-hashes -r {lock}" in re.sub(
            r"--(quiet|disable-pip-version-check) ", "", (ROOT / file).read_text("utf-8")
        )


def test_the_bill_of_materials_is_the_lock(tmp_path: Path) -> None:
    """With the same bytes each time."""
    written = []
    for name in ("first.json", "second.json"):
        settings = (f"BIN={Path(sys.executable).parent}", f"SBOM={tmp_path / name}")
        command = ["make", "--silent", "--old-file=.venv/installed", *settings, "sbom"]
        subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603
        written.append((tmp_path / name).read_text("utf-8"))
    assert written[0] == written[1]
    found = {
        (part["name"], part["version"], digest["content"])
        for part in json.loads(written[0])["components"]
        for file in part["externalReferences"]
        for digest in file["hashes"]
    }
    locked = PINNED.findall((ROOT / "requirements.lock").read_text("utf-8"))
    digests = re.compile(r"sha256:([0-9a-f]+)")
    assert found == {(name, version, one) for name, version, hashes in locked for one in digests.findall(hashes)}
