"""Requests made from the published contract, sent to the service as it is run: `make fuzz`.

`python -m tests.fuzz [inputs]` tries so many inputs an operation, prints how many that were, and of each failure the
smallest that it found. What is tried alike, but fewer and in-process, is in tests/api/test_fuzz.py.
"""

import subprocess
import sys
from pathlib import Path

from bench.server import ROOT, serving

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


def main(inputs: str = "2000") -> int:
    """Return the exit status of schemathesis."""
    schemathesis = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIGURATION)]
    with serving() as server:
        command = [*schemathesis, "run", f"{server.url}/openapi.json", "--max-examples", inputs]
        return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 - our own command


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
