"""The settings."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings, available_processors


def test_each_setting_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATRISK_COMPUTING_PROCESSES")
    assert Settings().model_dump() == {
        "max_body_bytes": 67_108_864,
        "max_patients": 100_000,
        "max_subjects": 2_000_000,
        "inline_body_bytes": 32_000,
        "computing_processes": available_processors(),
        "max_queued_requests": 8,
        "max_answer_seconds": 50,
        "drain_seconds": 0,
        "log_level": "info",
        "telemetry": False,
        "metrics_folder": None,
        "min_cell_count": None,
        "api_keys": (),
        "api_keys_file": None,
        "jwks_file": None,
        "jwt_issuer": None,
        "jwt_audience": None,
        "jwt_scope_claim": "scope",
        "jwt_leeway_seconds": 30,
        "open_scopes": frozenset(),
    }
    assert not Settings().guarded


@pytest.mark.parametrize(
    ("quota", "expected"), [(None, 4), ("max 100000\n", 4), ("250000 100000\n", 2), ("900000 100000", 4), ("5 100", 1)]
)
def test_processors_are_those_of_the_affinity_within_the_quota_of_the_container(
    quota: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpu.max"
    if quota is not None:
        file.write_text(quota, "ascii")
    monkeypatch.setattr("app.settings.CPU_QUOTA", file)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 2, 3, 7}, raising=False)
    assert available_processors() == expected


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATRISK_MAX_BODY_BYTES", "1000")
    monkeypatch.setenv("ATRISK_LOG_LEVEL", "error")
    monkeypatch.setenv("MAX_PATIENTS", "1")
    settings = Settings()
    assert (settings.max_body_bytes, settings.log_level, settings.max_patients) == (1000, "error", 100_000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_BODY_BYTES", "0"),
        ("MAX_PATIENTS", "many"),
        ("INLINE_BODY_BYTES", "-1"),
        ("LOG_LEVEL", "loud"),
        ("MIN_CELL_COUNT", "1"),
        ("API_KEYS_FILE", "/nowhere"),
        ("OPEN_SCOPES", '["analysis", "everything"]'),
        ("API_KEYS", '[{"name": "a", "sha256": "plain", "scopes": ["docs"]}]'),
        ("MAX_ANSWER_SECONDS", "0"),
    ],
)
def test_nonsense_stops_the_start(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ATRISK_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().max_patients = 3  # type: ignore[misc]


@pytest.mark.parametrize("key", [{"sha256": "the-key-itself"}, {"key": "the-key-itself"}, "the-key-itself"])
def test_a_key_that_stands_where_its_digest_should_is_not_shown(key: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATRISK_API_KEYS", json.dumps([key]))
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert "the-key-itself" not in str(refused.value)


@pytest.mark.parametrize("name", ["jwt_issuer", "jwt_audience", "jwks_file"])
def test_what_tokens_are_checked_by_belongs_together(name: str) -> None:
    others = {"jwt_issuer": "issuer", "jwt_audience": "atrisk", "jwks_file": __file__}
    assert Settings(**others).guarded  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="belong together"):
        Settings(**{**others, name: None})  # type: ignore[arg-type]
