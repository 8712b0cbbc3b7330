"""The settings, and the only place that reads the environment."""

from typing import Literal

from pydantic import NonNegativeInt, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

LogLevel = Literal["debug", "info", "warning", "error"]


class Settings(BaseSettings):
    """What an operator may set, each as ATRISK_ and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="ATRISK_", frozen=True)

    max_body_bytes: PositiveInt = 64 * 1024 * 1024
    """A larger body is refused (413) while it streams in."""
    max_patients: PositiveInt = 100_000
    """A larger cohort is refused (413)."""
    max_subjects: PositiveInt = 2_000_000
    """More rows of subjects are refused (413)."""
    inline_body_bytes: NonNegativeInt = 100_000
    """A larger body is read and computed in a worker thread, so that small requests need not wait for it."""
    log_level: LogLevel = "info"
    """Log lines below this level are not written."""
