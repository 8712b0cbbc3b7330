"""Metrics of a server that has several processes: each writes files of its own, and whichever is asked adds them up.

This is prometheus_client's multiprocess mode, of which the environment's PROMETHEUS_MULTIPROC_DIR names the folder. The
files of processes that have ended are cleared away, and what they counted is kept: counts that fell would look like a
start from 0, and be counted twice.
"""

import fcntl
import os
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

COUNTED = ("counter", "histogram")
NOBODY = 0
"""Stands for the processes that have ended."""


def exposition(folder: Path) -> bytes:
    """Return the metrics of all processes together, in the text format of Prometheus."""
    registry = CollectorRegistry()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _fold(folder)
        MultiProcessCollector(registry, str(folder))
        return generate_latest(registry)


def _fold(folder: Path) -> None:
    for file in sorted(folder.glob("*.db")):
        kind, _, pid = file.stem.rpartition("_")
        if _has_ended(int(pid)):
            if kind in COUNTED:
                _add(file, folder / f"{kind}_{NOBODY}.db")
            file.unlink()


def _has_ended(pid: int) -> bool:
    if pid == NOBODY:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _add(file: Path, to: Path) -> None:
    kept = MmapedDict(str(to))
    for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(str(file)):
        kept.write_value(key, kept.read_value(key)[0] + value, timestamp)
    kept.close()
