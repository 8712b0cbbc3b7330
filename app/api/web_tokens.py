"""JSON web tokens (RFC 7519) as bearer tokens (RFC 6750), by the public keys of their issuer (RFC 7517)."""

import json
from pathlib import Path
from typing import Any

import jwt

from app.api.access import Caller
from app.settings import Settings

ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
"""Signatures that nobody can make who can only check them."""


class WebTokens:
    """The tokens of an issuer.

    Each key is good for one algorithm: its `alg`, or the one that its kind has (RFC 8725, 3.1).
    """

    def __init__(self, file: Path, settings: Settings) -> None:
        described = [one for one in json.loads(file.read_bytes())["keys"] if one.get("use", "sig") == "sig"]
        self.keys = {one.get("kid"): _public_key(one) for one in described}
        if not self.keys or len(self.keys) < len(described):
            raise ValueError("jwks_file has no key to check tokens by, or two of one name")
        self.settings = settings

    def caller(self, token: str) -> Caller | None:
        """Return who sends a token; None where it is not valid."""
        try:
            key = self.keys[jwt.get_unverified_header(token).get("kid")]
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=self.settings.jwt_issuer,
                audience=self.settings.jwt_audience,
                leeway=self.settings.jwt_leeway_seconds,
                options={"require": ["iss", "aud", "exp"]},
            )
        except (jwt.PyJWTError, KeyError):
            return None
        return "token", _words(claims.get(self.settings.jwt_scope_claim))


def _public_key(described: dict[str, Any]) -> jwt.PyJWK:
    if {"d", "k"} & described.keys():
        raise ValueError("jwks_file has a key that is not public")
    key = jwt.PyJWK(described)
    if key.algorithm_name not in ALGORITHMS or key.Algorithm.check_key_length(key.key):
        raise ValueError("jwks_file has a key that is too short, or of an algorithm that is not taken")
    return key


def _words(claim: Any) -> frozenset[str]:
    items = claim.split() if isinstance(claim, str) else claim
    return frozenset(item for item in items if isinstance(item, str)) if isinstance(items, list) else frozenset()
