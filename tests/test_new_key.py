"""The command that makes keys."""

import json
import runpy
import sys
from pathlib import Path

import pytest

from app.api.access import access, digest
from app.new_key import main
from app.settings import ApiKey, Settings


def test_a_key_is_told_once_and_its_entry_opens_the_service(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    main(["registry", "analysis", "metrics"])
    written = capsys.readouterr()
    key, entry = written.err.strip(), json.loads(written.out)
    assert entry == {"name": "registry", "sha256": digest(key).hex(), "scopes": ["analysis", "metrics"]}
    assert key.startswith("atrisk_")
    assert len(key) == len("atrisk_") + 43  # 256 bits, six a letter
    assert key not in written.out
    file = tmp_path / "keys.json"
    file.write_text(f"[{written.out}]")
    check = access(Settings(api_keys_file=file))
    check({"path": "/metrics", "headers": [(b"x-api-key", key.encode())], "state": {}})


def test_no_two_keys_are_alike(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        main(["registry"])
    written = capsys.readouterr()
    assert len({*written.err.split()}) == 3
    assert {tuple(json.loads(line)["scopes"]) for line in written.out.splitlines()} == {("analysis",)}


@pytest.mark.parametrize("arguments", [[], [""], ["a b"], ["registry", "everything"], ["x" * 65]], ids=str)
def test_nonsense_makes_no_key(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="usage"):
        main(arguments)
    assert capsys.readouterr().out == ""


def test_it_runs_as_a_module(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["new_key", "registry"])
    monkeypatch.delitem(sys.modules, "app.new_key")
    runpy.run_module("app.new_key", run_name="__main__")
    assert ApiKey.model_validate_json(capsys.readouterr().out).name == "registry"
