"""Bearer tokens: whose, for whom, until when, and with which scopes."""

import json
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.api.web_tokens import WebTokens
from app.main import create_app
from app.settings import Settings
from tests.api import tokens
from tests.api.tokens import EC, ED, RSA, jwks, public, token
from tests.conftest import served

ANALYST = ("token", frozenset({"analysis"}))


def settings(file: Path, **others: Any) -> Settings:
    return Settings(jwks_file=file, jwt_issuer=tokens.ISSUER, jwt_audience=tokens.AUDIENCE, **others)


def caller(folder: Path, sent: str, *keys: dict[str, Any], **others: Any) -> Any:
    file = jwks(folder, *keys)
    return WebTokens(file, settings(file, **others)).caller(sent)


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [(RSA, "RS256"), (RSA, "RS512"), (RSA, "PS256"), (EC, "ES256"), (ED, "EdDSA")],
    ids=["RS256", "RS512", "PS256", "ES256", "EdDSA"],
)
def test_a_token_that_the_issuer_signed_is_valid(private: Any, algorithm: str, tmp_path: Path) -> None:
    keys = public("other", "ES256", ec.generate_private_key(ec.SECP256R1())), public("one", algorithm, private)
    assert caller(tmp_path, token(private, algorithm), *keys) == ANALYST


@pytest.mark.parametrize(
    ("claims", "valid"),
    [
        ({"exp": -20}, True),
        ({"exp": -40}, False),
        ({"exp": None}, False),
        ({"exp": "soon"}, False),
        ({"exp": float("inf")}, False),
        ({"nbf": 20}, True),
        ({"nbf": 50}, False),
        ({"iat": 50}, False),
        ({"iss": "https://other.example"}, False),
        ({"iss": None}, False),
        ({"aud": ["other", "atrisk"]}, True),
        ({"aud": "other"}, False),
        ({"aud": None}, False),
        ({"aud": 5}, False),
    ],
    ids=str,
)
def test_claims_are_checked_with_leeway_for_clocks(claims: dict[str, Any], valid: bool, tmp_path: Path) -> None:
    assert caller(tmp_path, token(**claims)) == (ANALYST if valid else None)


def test_the_leeway_is_a_setting(tmp_path: Path) -> None:
    late = token(exp=-20)
    assert caller(tmp_path, late, jwt_leeway_seconds=0) is None
    assert caller(tmp_path, late, jwt_leeway_seconds=60) == ANALYST


def tampered(sent: str, **claims: Any) -> str:
    """Return a token with other claims and the same signature."""
    head, _, signature = sent.split(".")
    return ".".join((head, jwt.utils.base64url_encode(json.dumps(claims).encode()).decode(), signature))


OTHER = rsa.generate_private_key(65537, 2048)
PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
FORGED = {
    "nothing": "",
    "no token": "a.b.c",
    "not ASCII": "\u00e9.\u00e9.\u00e9",
    "signed by another": token(OTHER),
    "an unknown key": token(kid="two"),
    "no key named": token(kid=None),
    "unsigned": jwt.encode({"iss": tokens.ISSUER, "aud": tokens.AUDIENCE, "exp": 2**40}, "", "none"),
    "another algorithm of the key": token(algorithm="RS512"),
    "another padding of the key": token(algorithm="PS256"),
    "claims changed": tampered(token(), iss=tokens.ISSUER, aud=tokens.AUDIENCE, exp=2**40),
    "signature cut": token()[:-10],
    "signature left out": token().rpartition(".")[0] + ".",
}


@pytest.mark.parametrize("sent", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused(sent: str, tmp_path: Path) -> None:
    assert caller(tmp_path, sent) is None


def test_the_public_key_is_no_shared_secret(tmp_path: Path) -> None:
    """The attack on libraries that let the token choose: HS256 with the public key as the secret."""
    head = jwt.utils.base64url_encode(b'{"alg":"HS256","kid":"one","typ":"JWT"}').decode()
    claims = token().split(".")[1]
    signature = jwt.get_algorithm_by_name("HS256").sign(f"{head}.{claims}".encode(), PEM)
    assert caller(tmp_path, f"{head}.{claims}.{jwt.utils.base64url_encode(signature).decode()}") is None


@pytest.mark.parametrize(
    ("claim", "scopes"),
    [
        ("analysis", ["analysis"]),
        ("docs  metrics", ["docs", "metrics"]),
        (["docs", "metrics", 3], ["docs", "metrics"]),
        ("", []),
        (None, []),
        (7, []),
        ({"analysis": True}, []),
    ],
    ids=str,
)
def test_scopes_are_words_or_an_array(claim: Any, scopes: list[str], tmp_path: Path) -> None:
    assert caller(tmp_path, token(scope=claim)) == ("token", {*scopes})
    assert caller(tmp_path, token(scope=None, scp=claim), jwt_scope_claim="scp") == ("token", {*scopes})


SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it is to be refused
SECRET = {"kty": "oct", "kid": "one", "k": "c2VjcmV0", "alg": "HS256"}
PRIVATE = {**jwt.get_algorithm_by_name("RS256").to_jwk(RSA, as_dict=True), "kid": "one"}


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (SECRET, "not public"),
        (PRIVATE, "not public"),
        (public("one", "RS256", SHORT), "too short"),
        (public("one", "ES256K", ec.generate_private_key(ec.SECP256K1())), "not taken"),
    ],
    ids=["shared secret", "private", "short", "other curve"],
)
def test_keys_that_are_not_fit_stop_the_start(key: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        create_app(settings(jwks(tmp_path, key)))
    assert "c2VjcmV0" not in str(refused.value)


def test_keys_for_encryption_are_passed_over(tmp_path: Path) -> None:
    assert caller(tmp_path, token(), public("one", "RS256", RSA), public("one", "RS256", OTHER, use="enc")) == ANALYST


@pytest.mark.parametrize("uses", [["enc"], ["sig", "sig"]])
def test_keys_that_leave_it_open_stop_the_start(uses: list[str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no key to check tokens by, or two"):
        caller(tmp_path, token(), *(public("one", "RS256", RSA, use=use) for use in uses))


@pytest.mark.anyio
async def test_a_token_opens_what_its_scopes_say(tmp_path: Path, anyio_backend: str) -> None:
    async with served(create_app(settings(jwks(tmp_path)))) as client:

        async def status(path: str, authorization: str) -> tuple[int, str | None]:
            answer: httpx.Response = await client.get(path, headers={"authorization": authorization})
            return answer.status_code, answer.headers.get("www-authenticate")

        assert await status("/v1/conventions", f"Bearer {token()}") == (200, None)
        assert await status("/v1/conventions", f"bearer  {token()}") == (200, None)
        assert await status("/metrics", f"Bearer {token()}") == (
            403,
            'Bearer realm="atrisk", error="insufficient_scope"',
        )
        refused = 401, 'Bearer realm="atrisk", error="invalid_token"'
        assert await status("/v1/conventions", f"Bearer {token(exp=-99)}") == refused
        for authorization in ("", "Bearer", f"Basic {token()}", token()):
            challenge = 'Bearer realm="atrisk"' + (', error="invalid_token"' if authorization == "Bearer" else "")
            assert await status("/v1/conventions", authorization) == (401, challenge)


@pytest.mark.anyio
async def test_keys_and_tokens_may_both_be_let_in(tmp_path: Path, anyio_backend: str) -> None:
    keys = [{"name": "one", "sha256": "0" * 64, "scopes": ["docs"]}]
    async with served(create_app(settings(jwks(tmp_path), api_keys=keys))) as client:
        answer = await client.get("/version")
    assert answer.headers["www-authenticate"] == 'ApiKey realm="atrisk", Bearer realm="atrisk"'
    assert "an API key (X-API-Key) or a bearer token (Authorization)" in answer.json()["detail"]
