"""Keys and tokens of tests: an issuer, and what it signs."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ISSUER, AUDIENCE = "https://issuer.example", "atrisk"
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


def public(kid: str, algorithm: str, private: Any, **members: Any) -> dict[str, Any]:
    """Return the public half of a key as a JSON web key."""
    made: dict[str, Any] = jwt.get_algorithm_by_name(algorithm).to_jwk(private.public_key(), as_dict=True)
    return {**made, "kid": kid, "alg": algorithm, **members}


def jwks(folder: Path, *keys: dict[str, Any]) -> Path:
    """Write keys as a file."""
    file = folder / "jwks.json"
    file.write_text(json.dumps({"keys": keys or [public("one", "RS256", RSA)]}))
    return file


def token(private: Any = RSA, algorithm: str = "RS256", kid: str | None = "one", **claims: Any) -> str:
    """Return a token that is valid for a minute but for the claims given: times from now on, None for none."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": 60, "scope": "analysis", **claims}
    now = {name: int(time.time()) for name in ("exp", "nbf", "iat") if isinstance(claims.get(name), int)}
    claims = {
        name: (value + now[name] if name in now else value) for name, value in claims.items() if value is not None
    }
    return jwt.encode(claims, private, algorithm, headers={} if kid is None else {"kid": kid})
