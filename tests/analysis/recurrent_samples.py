"""Histories of recurrent events: drawn by hypothesis, and analysed by loops straight from the definitions."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from hypothesis import strategies as st

from app.analysis.recurrent import Recurrences, observe_recurrences

LAST_TIME = 6
ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Histories:
    """Columns of a sample in no order; None where it has no such column."""

    subject: list[int]
    time: list[float]
    event: list[bool]
    terminal: list[bool] | None = None
    entry: list[float] | None = None
    group: list[int] | None = None
    cluster: list[int] | None = None

    def columns(self) -> dict[str, Any]:
        """Return the columns that the sample has, as the arguments of `observe_recurrences`."""
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: values for name, values in pairs if values is not None}

    def observe(self) -> Recurrences:
        """Return the checked sample."""
        return observe_recurrences(**self.columns())

    def take(self, places: list[int]) -> "Histories":
        """Return the rows at the given places, in that order."""
        return Histories(**{name: [values[place] for place in places] for name, values in self.columns().items()})

    def with_entry(self) -> "Histories":
        """Return the sample with the entries that those left out stand for; subjects may have no ties."""
        order = sorted(range(len(self.time)), key=lambda place: (self.subject[place], self.time[place]))
        ordered = self.take(order)
        same = [False, *(first == second for first, second in pairwise(ordered.subject))]
        entry = [ordered.time[place - 1] if same[place] else 0.0 for place in range(len(same))]
        return replace(ordered, entry=entry)

    @property
    def groups(self) -> int:
        """Return the number of groups, 1 where the sample has none."""
        return 1 if self.group is None else max(self.group) + 1


class Period(NamedTuple):
    """(entry, time] of a subject at risk."""

    entry: float
    time: float


class Subject(NamedTuple):
    """A subject: when at risk, when its events recurred, and when it died."""

    periods: list[Period]
    recurrences: list[float]
    death: float | None
    group: int
    cluster: int

    def at_risk(self, time: float) -> bool:
        return any(period.entry < time <= period.time for period in self.periods)


Weights = Mapping[int, Fraction]


def subjects(histories: Histories) -> list[Subject]:
    """Return the subjects of a sample; without entries they are at risk from before the origin until their last row."""
    found = []
    for code in range(max(histories.subject) + 1):
        rows = [row for row, subject in enumerate(histories.subject) if subject == code]
        last = max(histories.time[row] for row in rows)
        entry, terminal = histories.entry, histories.terminal
        found.append(
            Subject(
                [Period(-1, last)] if entry is None else [Period(entry[row], histories.time[row]) for row in rows],
                [histories.time[row] for row in rows if histories.event[row]],
                last if terminal is not None and any(terminal[row] for row in rows) else None,
                0 if histories.group is None else histories.group[rows[0]],
                code if histories.cluster is None else histories.cluster[rows[0]],
            )
        )
    return found


def times(sample: list[Subject]) -> list[float]:
    """Return the times at which something happens."""
    return sorted({time for one in sample for time in (*one.recurrences, one.death) if time is not None})


def at_risk(sample: list[Subject], time: float, weight: Weights) -> Fraction:
    return sum((weight.get(one.cluster, ONE) for one in sample if one.at_risk(time)), Fraction(0))


def recurrences(sample: list[Subject], time: float, weight: Weights) -> Fraction:
    return sum((one.recurrences.count(time) * weight.get(one.cluster, ONE) for one in sample), Fraction(0))


def alive_before(sample: list[Subject], time: float, weight: Weights) -> Fraction:
    """Return the Kaplan-Meier estimate of S(t-)."""
    survival = ONE
    for earlier in (earlier for earlier in times(sample) if earlier < time):
        deaths = sum((weight.get(one.cluster, ONE) for one in sample if one.death == earlier), Fraction(0))
        if deaths:
            survival *= 1 - deaths / at_risk(sample, earlier, weight)
    return survival


def mean_count(sample: list[Subject], time: float, weight: Weights | None = None) -> Fraction:
    """Return the mean cumulative count, clusters having weights of 1 but for those given."""
    weight = weight or {}
    total = Fraction(0)
    for moment in times(sample):
        events = recurrences(sample, moment, weight)
        if moment <= time and events:
            total += alive_before(sample, moment, weight) * events / at_risk(sample, moment, weight)
    return total


def jackknife_variance(sample: list[Subject], time: float) -> Fraction:
    """Return the sum over clusters of the squared derivative of the mean cumulative count by their weight."""
    step = Fraction(1, 10**8)
    derivatives = (
        (mean_count(sample, time, {cluster: 1 + step}) - mean_count(sample, time, {cluster: 1 - step})) / (2 * step)
        for cluster in {one.cluster for one in sample}
    )
    return sum((derivative**2 for derivative in derivatives), Fraction(0))


def log_survival_change(sample: list[Subject], one: Subject, time: float) -> Fraction:
    """Return the influence of a subject on log S(t-) of its group."""
    change = Fraction(0)
    for earlier in (earlier for earlier in times(sample) if earlier < time):
        deaths = sum(other.death == earlier for other in sample)
        at_risk_then = at_risk(sample, earlier, {})
        if deaths and at_risk_then > deaths:
            own = (one.death == earlier) - one.at_risk(earlier) * deaths / at_risk_then
            change -= own / (at_risk_then - deaths)
    return change


def score_and_variance(sample: list[Subject], groups: int) -> tuple[list[Fraction], list[list[Fraction]]]:
    """Return U and V of the test of equal mean cumulative counts."""
    parts = [[one for one in sample if one.group == code] for code in range(groups)]
    influence = {one.cluster: [Fraction(0)] * groups for one in sample}
    score = [Fraction(0)] * groups
    for time in times(sample):
        alive = [alive_before(part, time, {}) for part in parts]
        risk = [at_risk(part, time, {}) * (free > 0) for part, free in zip(parts, alive, strict=True)]
        events = [free * recurrences(part, time, {}) for part, free in zip(parts, alive, strict=True)]
        if not sum(events):
            continue
        pooled = sum(events, Fraction(0)) / sum(risk)
        for code in range(groups):
            score[code] += events[code] - risk[code] * pooled
        for one in sample:
            weights = [(one.group == code) - risk[code] / sum(risk) for code in range(groups)]
            own = alive[one.group] * one.recurrences.count(time)
            expected = one.at_risk(time) * (alive[one.group] > 0) * pooled
            indirect = log_survival_change(parts[one.group], one, time) * risk[one.group] * pooled
            change = own - expected + indirect
            influence[one.cluster] = [
                sum_ + weight * change for sum_, weight in zip(influence[one.cluster], weights, strict=True)
            ]
    return score, [
        [sum((one[j] * one[k] for one in influence.values()), Fraction(0)) for k in range(groups)]
        for j in range(groups)
    ]


@st.composite
def histories(
    draw: st.DrawFn,
    *,
    entry: bool | None = None,
    terminal: bool | None = None,
    group: bool | None = None,
    cluster: bool | None = None,
    max_size: int = 7,
) -> Histories:
    """Draw a sample with many ties, among them recurrences of a subject at one time, and at risk with gaps."""
    size = draw(st.integers(1, max_size))

    def wanted(flag: bool | None) -> bool:
        return draw(st.booleans()) if flag is None else flag

    late, deadly = wanted(entry), wanted(terminal)
    drawn = [draw(_with_entry(deadly=deadly) if late else _from_origin(deadly=deadly)) for _ in range(size)]
    subject = [code for code, rows in enumerate(drawn) for _ in rows]
    start, time, event, died = zip(*(row for rows in drawn for row in rows), strict=True)
    groups = _without_gaps(draw(st.lists(st.integers(0, 2), min_size=size, max_size=size)))
    clusters = _without_gaps(draw(st.lists(st.integers(0, size - 1), min_size=size, max_size=size)))
    sample = Histories(
        subject,
        list(time),
        list(event),
        list(died) if deadly else None,
        list(start) if late else None,
        [groups[code] for code in subject] if wanted(group) else None,
        [clusters[code] for code in subject] if wanted(cluster) else None,
    )
    return sample.take(draw(st.permutations(range(len(subject)))))


Row = tuple[float, float, bool, bool]


@st.composite
def _from_origin(draw: st.DrawFn, *, deadly: bool) -> list[Row]:
    recurs = sorted(draw(st.lists(st.integers(0, LAST_TIME), max_size=4)))
    end = draw(st.integers(recurs[-1] if recurs else 0, LAST_TIME))
    died, unclosed = deadly and draw(st.booleans()), draw(st.booleans())
    rows: list[Row] = [(0.0, float(time), True, False) for time in recurs]
    if recurs and unclosed:
        rows[-1] = (0.0, float(recurs[-1]), True, died)
    else:
        rows.append((0.0, float(end), False, died))
    return rows


@st.composite
def _with_entry(draw: st.DrawFn, *, deadly: bool) -> list[Row]:
    cuts = sorted(draw(st.sets(st.integers(0, LAST_TIME), min_size=2, max_size=5)))
    kept = [pair for pair in pairwise(cuts) if draw(st.booleans())] or [(cuts[0], cuts[1])]
    rows = [(float(start), float(end), draw(st.booleans()), False) for start, end in kept]
    rows[-1] = (*rows[-1][:3], deadly and draw(st.booleans()))
    return rows


def _without_gaps(codes: list[int]) -> list[int]:
    present = sorted(set(codes))
    return [present.index(code) for code in codes]
