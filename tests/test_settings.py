"""The settings."""

import pytest
from pydantic import ValidationError

from app.settings import Settings


def test_each_setting_has_a_default() -> None:
    assert Settings().model_dump() == {
        "max_body_bytes": 67_108_864,
        "max_patients": 100_000,
        "max_subjects": 2_000_000,
        "inline_body_bytes": 100_000,
        "log_level": "info",
    }


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATRISK_MAX_BODY_BYTES", "1000")
    monkeypatch.setenv("ATRISK_LOG_LEVEL", "error")
    monkeypatch.setenv("MAX_PATIENTS", "1")
    settings = Settings()
    assert (settings.max_body_bytes, settings.log_level, settings.max_patients) == (1000, "error", 100_000)


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAX_BODY_BYTES", "0"), ("MAX_PATIENTS", "many"), ("INLINE_BODY_BYTES", "-1"), ("LOG_LEVEL", "loud")],
)
def test_nonsense_stops_the_start(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ATRISK_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().max_patients = 3  # type: ignore[misc]
