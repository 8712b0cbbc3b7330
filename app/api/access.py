"""Who may send requests: API keys and bearer tokens, and which paths each of them opens.

All is read when the app is made. Where neither keys nor tokens are set, nothing of this is in the way of a request.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import NoReturn, Protocol

from pydantic import ConfigDict, TypeAdapter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.errors import ProblemError, problem_response
from app.settings import ApiKey, Settings

KEYS = TypeAdapter(list[ApiKey], config=ConfigDict(hide_input_in_errors=True))
KEY_HEADER = "X-API-Key"
HEALTH = {"/livez", "/readyz"}
DOCS = {"docs", "redoc", "openapi.json", "assets", "page", "example"}
"""The first steps of paths, besides the root, that tell of the service, and nothing of patients."""

Check = Callable[[Scope], None]
"""Raises ProblemError where a request is refused for what its head says."""

Caller = tuple[str, frozenset[str]]
"""The name of whoever sends a request, as log lines have it, and the scopes."""


class Tokens(Protocol):
    """Bearer tokens of some kind."""

    def caller(self, token: str) -> Caller | None:
        """Return who sends a token; None where it is not valid."""


class Gate:
    """Refuse requests by their heads, before a byte of their bodies is read."""

    def __init__(self, app: ASGIApp, checks: Sequence[Check]) -> None:
        self.app = app
        self.checks = checks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless one of the checks refuses it."""
        try:
            if scope["type"] == "http":
                for check in self.checks:
                    check(scope)
        except ProblemError as error:
            await problem_response(scope, error)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def path_of(scope: Scope) -> str:
    """Return the path of a request as routes have it."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def needed_scopes(path: str) -> frozenset[str]:
    """Return the scopes of which one is needed for a path; none where it is open to all.

    Examples
    --------
    >>> sorted(needed_scopes("/version")), sorted(needed_scopes("/v1/survival")), sorted(needed_scopes("/livez"))
    (['analysis', 'docs', 'metrics'], ['analysis'], [])
    """
    if path in HEALTH:
        return frozenset()
    if path == "/metrics":
        return frozenset({"metrics"})
    if path == "/version":
        return frozenset({"analysis", "metrics", "docs"})
    # A path that is not known is for those who may send patients.
    return frozenset({"docs"} if path == "/" or path[1:].split("/", maxsplit=1)[0] in DOCS else {"analysis"})


class Access:
    """The check of who sends a request, by an API key or a bearer token."""

    def __init__(self, keys: Sequence[ApiKey], tokens: Tokens | None, open_scopes: frozenset[str]) -> None:
        self.keys = [(bytes.fromhex(key.sha256), (key.name, frozenset(key.scopes))) for key in keys]
        self.tokens = tokens
        self.open_scopes = open_scopes
        ways = {
            'ApiKey realm="atrisk"': f"an API key ({KEY_HEADER})" if keys else "",
            'Bearer realm="atrisk"': "a bearer token (Authorization)" if tokens else "",
        }
        self.challenge = ", ".join(way for way, words in ways.items() if words)
        self.detail = f"The request needs {' or '.join(filter(None, ways.values()))} that is valid here and now."

    def __call__(self, scope: Scope) -> None:
        """Refuse a request without valid credentials, or with those of a caller whom its path is not open to."""
        needed = needed_scopes(path_of(scope))
        if not needed or needed & self.open_scopes:
            return
        scope["state"]["client"], scopes = self._caller(Headers(scope=scope))
        if not needed & scopes:
            detail = f"The path needs the scope {' or '.join(sorted(needed))}."
            raise ProblemError("forbidden", detail, headers=self._challenge("insufficient_scope"))

    def _caller(self, headers: Headers) -> Caller:
        if self.keys and (key := headers.get(KEY_HEADER)):
            return self._holder(digest(key)) or self._refuse("invalid_key")
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if self.tokens and scheme.lower() == "bearer":
            return self.tokens.caller(token.strip()) or self._refuse("invalid_token")
        return self._refuse()

    def _holder(self, digested: bytes) -> Caller | None:
        holder = None
        for known, caller in self.keys:  # all of them, so that the time tells nothing
            if compare_digest(known, digested):
                holder = caller
        return holder

    def _challenge(self, error: str = "") -> dict[str, str]:
        return {"WWW-Authenticate": self.challenge + (f', error="{error}"' if error else "")}

    def _refuse(self, error: str = "") -> NoReturn:
        raise ProblemError("unauthenticated", self.detail, headers=self._challenge(error))


def digest(key: str) -> bytes:
    """Return what is kept of a key. Keys have 256 random bits: a slow hash would guard them no better."""
    return sha256(key.encode()).digest()


def access(settings: Settings) -> Access:
    """Return the check that the settings ask for.

    Raises
    ------
    ValueError
        If two keys have a name, or the issuer's keys are not fit to check tokens.
    """
    keys = list(settings.api_keys)
    if settings.api_keys_file:
        keys += KEYS.validate_json(settings.api_keys_file.read_bytes())
    if len({key.name for key in keys}) < len(keys):
        raise ValueError("two API keys have the same name")
    return Access(keys, _tokens(settings), settings.open_scopes)


def _tokens(settings: Settings) -> Tokens | None:
    if settings.jwks_file is None:
        return None
    from app.api.web_tokens import WebTokens  # noqa: PLC0415 - cryptography takes as long to load as it takes to start

    return WebTokens(settings.jwks_file, settings)
