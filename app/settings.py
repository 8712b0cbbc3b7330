"""The settings, and the only place that reads the environment."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

LogLevel = Literal["debug", "info", "warning", "error"]
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_processors() -> int:
    """Return how many processors this process may use, by its affinity and by the quota of its container."""
    known = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    quota, period = CPU_QUOTA.read_text("ascii").split() if CPU_QUOTA.exists() else ("max", "")
    return len(known) if quota == "max" else max(1, min(len(known), int(quota) // int(period)))


class Settings(BaseSettings):
    """What an operator may set, each as ATRISK_ and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="ATRISK_", frozen=True)

    max_body_bytes: PositiveInt = 64 * 1024 * 1024
    """A larger body is refused (413) while it streams in."""
    max_patients: PositiveInt = 100_000
    """A larger cohort is refused (413)."""
    max_subjects: PositiveInt = 2_000_000
    """More rows of subjects are refused (413)."""
    inline_body_bytes: NonNegativeInt = 32_000
    """A larger body is read and computed in a worker process, so that small requests need not wait for it."""
    computing_processes: NonNegativeInt = Field(default_factory=available_processors)
    """So many worker processes compute what is large or slow; with 0 the process of the server does so itself."""
    max_queued_requests: NonNegativeInt = 8
    """So many requests wait for a worker process; one more is refused (503)."""
    max_answer_seconds: PositiveFloat = 50
    """What worker processes have not answered by then, the wait for one included, is ended and refused (503)."""
    drain_seconds: NonNegativeFloat = 0
    """So long after SIGTERM the service says that it is not ready, but takes requests, before it shuts down."""
    log_level: LogLevel = "info"
    """Log lines below this level are not written."""
