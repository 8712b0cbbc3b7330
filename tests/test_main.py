"""The app is made by one function, as often as wanted."""

import importlib

import pytest
from fastapi import FastAPI

from app import main
from app.settings import Settings


def test_the_module_has_an_app_for_the_server() -> None:
    assert isinstance(main.app, FastAPI)


def test_settings_are_those_given_or_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATRISK_MAX_PATIENTS", "5")
    assert main.create_app().state.settings.max_patients == 5
    assert main.create_app(Settings(max_patients=6)).state.settings.max_patients == 6


def test_importing_the_module_again_is_no_trouble() -> None:
    assert importlib.reload(main).app is not None
