"""`python -m app.new_key NAME [SCOPE ...]`: make an API key.

The key goes to standard error, for whom it is made; its entry of `ATRISK_API_KEYS_FILE`, which has its SHA-256 only, to
standard output. Nothing else has the key. Without a scope it opens `analysis`.
"""

import secrets
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from app.api.access import digest
from app.settings import ApiKey

PREFIX = "atrisk_"
"""By which a key that went astray is found in texts."""

BYTES = 32
"""As many random ones as nobody can try out, so that a plain hash of them is enough."""


def main(arguments: Sequence[str]) -> None:
    """Make a key, and write it and its entry."""
    key = PREFIX + secrets.token_urlsafe(BYTES)
    name, *scopes = arguments or [""]
    try:
        entry = ApiKey.model_validate({"name": name, "sha256": digest(key).hex(), "scopes": scopes or ["analysis"]})
    except ValidationError:
        sys.exit(
            "usage: python -m app.new_key NAME [analysis] [metrics] [docs]; NAME of letters, digits, '.', '_', '-'"
        )
    sys.stderr.write(f"{key}\n")
    sys.stdout.write(f"{entry.model_dump_json()}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
