"""The settings, and the only place that reads the environment."""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

LogLevel = Literal["debug", "info", "warning", "error"]
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
Scope = Literal["analysis", "metrics", "docs"]


class ApiKey(BaseModel):
    """Who may send what: the SHA-256 of a key, which is kept nowhere itself. `python -m app.new_key` makes one."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    """Stands in the log lines of its requests."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Of the key, in hexadecimal digits."""
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    """What the key opens."""


def available_processors() -> int:
    """Return how many processors this process may use, by its affinity and by the quota of its container."""
    known = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    quota, period = CPU_QUOTA.read_text("ascii").split() if CPU_QUOTA.exists() else ("max", "")
    return len(known) if quota == "max" else max(1, min(len(known), int(quota) // int(period)))


class Settings(BaseSettings):
    """What an operator may set, each as ATRISK_ and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="ATRISK_", frozen=True, hide_input_in_errors=True)

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
    telemetry: bool = False
    """Whether traces and metrics go where OTEL_EXPORTER_OTLP_ENDPOINT says; needs the extra `telemetry`."""
    metrics_folder: Path | None = Field(default=None, validation_alias="PROMETHEUS_MULTIPROC_DIR")
    """Where the processes of a server that has several put their metrics; prometheus_client reads the variable, too."""
    min_cell_count: Annotated[int, Field(ge=2, le=1000)] | None = None
    """The least `min_cell_count` of all requests; resources that do not have it are refused (403)."""
    api_keys: tuple[ApiKey, ...] = ()
    """Keys that are let in, as a JSON array. With these, the file or the tokens, nobody else is."""
    api_keys_file: FilePath | None = None
    """A file with such an array."""
    jwks_file: FilePath | None = None
    """The public keys (RFC 7517) of the issuer whose bearer tokens are let in."""
    jwt_issuer: str | None = None
    """The `iss` of these tokens."""
    jwt_audience: str | None = None
    """This service among their `aud`."""
    jwt_scope_claim: str = "scope"
    """The claim with their scopes: words with blanks between them, or an array of them."""
    jwt_leeway_seconds: NonNegativeInt = 30
    """How far the clocks of issuer and service may be apart."""
    open_scopes: frozenset[Scope] = frozenset()
    """What needs no key and no token, where the rest does."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = {self.jwks_file is None, self.jwt_issuer is None, self.jwt_audience is None}
        if len(given) > 1:
            raise ValueError("jwks_file, jwt_issuer and jwt_audience belong together")
        return self

    @property
    def guarded(self) -> bool:
        """Whether callers are asked who they are."""
        return bool(self.api_keys or self.api_keys_file or self.jwks_file)
