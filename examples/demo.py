"""Start the service, post the founding paper's cohort, print the answer as a report, stop the service."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
REQUEST = ROOT / "examples" / "bale2018.json"
WIDTH = 100
Json = dict[str, Any]


def main() -> None:
    """Run the demo."""
    with serving("app.main:app") as url:
        response = httpx.post(f"{url}/v1/outcomes", json=json.loads(REQUEST.read_text("utf-8")), timeout=60)
        response.raise_for_status()
    print("\n".join(report(response.json())))


@contextmanager
def serving(app: str) -> Iterator[str]:
    """Serve an app on a free port of this machine, and yield its address once it is ready."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", "--no-access-log"]
    service = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", service)
        yield f"http://127.0.0.1:{port}"
    finally:
        service.terminate()
        service.wait(timeout=30)


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, service: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Return once the service is ready, or fail if it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and service.poll() is None:
        try:
            if httpx.get(f"{url}/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit("the service did not start")


def report(answer: Json) -> Iterator[str]:
    """Yield the lines of the report."""
    meta, cohort = answer["meta"], answer["cohort"]
    yield f"Outcomes of {cohort['patients']} patients, {cohort['sessions']} sessions, {cohort['lesions']} lesions"
    yield f"synthetic cohort with the figures of Bale et al. 2018 | convention {meta['convention']}"
    yield from section("Technical success and local recurrence", lesion_rows(answer))
    survival = next(one for one in answer["endpoints"] if one["endpoint"] == "overall_survival")
    yield from section(f"Overall survival ({meta['time_unit']})", survival_rows(survival))
    yield from section("Kaplan-Meier curve of overall survival", text_curve(survival["estimate"]["curve"]))
    yield from section("Summary", (line for text in answer["summary"] for line in paragraph(text)))
    yield from section("Warnings", (line for one in meta["warnings"] for line in paragraph(one["detail"])))


def section(title: str, lines: Iterator[str]) -> Iterator[str]:
    """Yield a headed section."""
    yield from ("", title, "-" * len(title), *lines)


def paragraph(text: str) -> list[str]:
    """Return a sentence as an item of a list, broken into lines."""
    return fill(text, WIDTH, initial_indent="- ", subsequent_indent="  ").splitlines()


def lesion_rows(answer: Json) -> Iterator[str]:
    """Yield the table of proportions."""
    success, recurrence = answer["technical_success"], answer["local_recurrence"]
    yield f"{'':<34}{'count':>9}{'%':>8}{'95 % CI':>16}{'clustered by patient':>24}"
    yield proportion_row("primary technical success", success["primary"])
    yield proportion_row("secondary technical success", success["secondary"])
    yield proportion_row("local recurrence, lesions", recurrence["lesions"])
    yield proportion_row("local recurrence, patients", recurrence["patients"])
    by_size = next(one for one in recurrence["groupings"] if one["name"] == "tumour size")
    for group in by_size["groups"]:
        yield proportion_row(f"  {group['label']}", group["lesions"])
    yield "  " + "; ".join(f"{test['name']} P = {test['p_value']:.3f}" for test in by_size["tests"])
    yield proportion_row("periprocedural deaths, patients", answer["safety"]["periprocedural_deaths"])


def proportion_row(name: str, proportion: Json) -> str:
    """Return a row of the table of proportions."""
    adjusted = proportion["cluster_adjusted"]
    return (
        f"{name:<34}{proportion['count']:>5}/{proportion['total']:<3}{100 * proportion['proportion']:>8.1f}"
        f"{interval(proportion, 100):>16}{interval(adjusted, 100) if adjusted else '':>24}"
    )


def interval(figures: Json, factor: float = 1) -> str:
    """Return the limits of a figure."""
    limits = (figures["lower"], figures["upper"])
    return " - ".join("n.e." if limit is None else f"{factor * limit:.1f}" for limit in limits)


def survival_rows(endpoint: Json) -> Iterator[str]:
    """Yield the table of medians and means, overall and by group."""
    yield f"{'':<34}{'n':>4}{'deaths':>8}{'median +- SE':>17}{'95 % CI':>16}{'mean +- SE':>17}"
    yield survival_row("all patients", endpoint["estimate"])
    for grouping in endpoint["groupings"]:
        log_rank = next(one for one in grouping["comparison"]["tests"] if one["name"] == "log-rank")
        yield f"{grouping['name']} (log-rank P = {log_rank['p_value']:.3f})"
        for group in grouping["groups"]:
            yield survival_row(f"  {group['label']}", group)


def survival_row(name: str, estimate: Json) -> str:
    """Return a row of the table of medians and means."""
    median, mean = estimate["median"], estimate["restricted_mean"]
    return (
        f"{name:<34}{estimate['subjects']:>4g}{estimate['events']:>8g}{with_error(median):>17}"
        f"{interval(median):>16}{with_error(mean):>17}"
    )


def with_error(figure: Json) -> str:
    """Return an estimate with its standard error."""
    if figure["estimate"] is None:
        return "not reached"
    return f"{figure['estimate']:.1f}" + (
        "" if figure["standard_error"] is None else f" +- {figure['standard_error']:.1f}"
    )


def text_curve(curve: Json, columns: int = 72, rows: int = 11) -> Iterator[str]:
    """Yield a step curve drawn with letters, with the numbers at risk under its axis."""
    last = curve["time"][-1]
    times = [last * column / (columns - 1) for column in range(columns)]
    levels = [round(value_at(curve, time) * (rows - 1)) for time in times]
    for row in range(rows - 1, -1, -1):
        label = f"{100 * row // (rows - 1):>4} % |" if row % 2 == 0 else f"{'|':>8}"
        yield label + "".join(mark(levels, column, row) for column in range(columns)).rstrip()
    step = next(size for size in (1, 2, 3, 6, 12, 24, 60, 120) if last / size <= 7)
    ticks = {round(time / last * (columns - 1)): time for time in range(0, int(last) + 1, step)}
    yield f"{'':>7}+" + "".join("+" if column in ticks else "-" for column in range(columns))
    yield f"{'months':>7} " + axis_row({column: str(time) for column, time in ticks.items()})
    yield f"{'at risk':>7} " + axis_row({column: f"{at_risk_at(curve, time):g}" for column, time in ticks.items()})


def axis_row(labels: dict[int, str]) -> str:
    """Return labels, each from its column on."""
    row = ""
    for column, label in labels.items():
        row = row.ljust(column) + label
    return row


def at_risk_at(curve: Json, time: float) -> float:
    """Return the number at risk just before a time."""
    rows = zip(curve["time"], curve["at_risk"], strict=True)
    return float(next((at_risk for at, at_risk in rows if at >= time), 0))


def value_at(curve: Json, time: float) -> float:
    """Return survival at a time."""
    before = [value for at, value in zip(curve["time"], curve["survival"], strict=True) if at <= time]
    return float(before[-1]) if before else 1.0


def mark(levels: list[int], column: int, row: int) -> str:
    """Return the letter of the curve at a place of the picture."""
    here, before = levels[column], levels[max(column - 1, 0)]
    if row == here:
        return "_" if here == before else "|"
    return "|" if here < row <= before else " "


if __name__ == "__main__":
    main()
