"""R as a service, where it is installed with plumber and survival."""

import shutil
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

from bench.server import Server, started
from examples.demo import free_port

SCRIPT = Path(__file__).with_name("plumber.R")
VERSIONS = """\
versions <- sapply(c("plumber", "survival"), function(name) paste(name, packageVersion(name)))
cat(R.version.string, versions, sep = ", ")
"""


def r_versions() -> str | None:
    """Return the versions of R and the packages, or None if one of them is not found."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return None
    found = subprocess.run([rscript, "-e", VERSIONS], check=False, capture_output=True, text=True)
    return None if found.returncode else found.stdout


def plumber() -> AbstractContextManager[Server]:
    """Serve survival by R."""
    port = free_port()
    return started([str(shutil.which("Rscript")), str(SCRIPT), str(port)], port)
