"""The requests and answers of examples/, for the documentation."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "examples"


def example(name: str) -> dict[str, Any]:
    """Return the request or answer of a file of examples/."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found
