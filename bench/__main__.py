"""All benchmarks, one after another, each in a process of its own: `python -m bench [--quick]`.

What they print is kept in bench/RESULTS.md with the machine that it was measured on, but for that of `--quick`.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bench.peers.plumber import r_versions
from bench.server import ROOT

RESULTS = Path(__file__).with_name("RESULTS.md")
BENCHES = ("service", "latency", "kernels", "regression", "parametric", "figures", "tables")
PACKAGES = ("fastapi", "pydantic", "uvicorn", "uvloop", "httptools", "numpy", "scipy", "lifelines", "pyarrow")
INTRODUCTION = """\
# Results

What `make bench` found when this file was written. Other work of the machine is in every figure: read ratios, which are
of one run, not milliseconds. The client keeps its connections and costs some 25 microseconds a request; requests a
second are counted with 4 requests under way, percentiles with one at a time, p99 where there were 50 or more.
"""


def machine() -> Iterator[str]:
    """Yield what the figures depend on, and nothing that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    processor = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    yield f"- {os.cpu_count()} processors ({processor.partition(':')[2].strip()}), {memory:.0f} GiB of memory"
    packages = (f"{name} {version(name)}" for name in PACKAGES)
    yield f"- {platform.python_implementation()} {platform.python_version()}; {', '.join(packages)}"
    yield f"- {r_versions() or 'no R with plumber and survival'}"


def output(bench: str, *options: str) -> str:
    """Return what a benchmark prints, as a section."""
    command = [sys.executable, "-m", f"bench.{bench}", *options]
    printed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return printed if printed.startswith("#") else f"## {bench.capitalize()}\n\n```\n{printed}\n```"


def main(*options: str) -> None:
    """Run the benchmarks, and print and keep what they print."""
    kept = [INTRODUCTION, *machine(), ""]
    print(*kept, sep="\n")
    for bench in BENCHES:
        if find_spec(f"bench.{bench}"):
            kept.append(output(bench, *options) + "\n")
            print(kept[-1], flush=True)
    if "--quick" not in options:
        RESULTS.write_text("\n".join(kept).rstrip() + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
