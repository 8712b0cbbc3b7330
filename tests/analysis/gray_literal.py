"""Gray's test straight from its formulas, in exact fractions."""

from dataclasses import dataclass
from fractions import Fraction

from app.analysis.observations import Observations
from tests import literal

GROUPS = 3


@dataclass(frozen=True, slots=True)
class LiteralGroup:
    """One group's subjects, with the quantities of Gray's formulas straight from their definitions."""

    sample: literal.Sample
    cause: int

    def survival(self, until: float) -> Fraction:
        return literal.survival(self.sample, until)

    def events(self, time: float, *, of_cause: bool) -> Fraction:
        if self.survival(time - 0.5) == 0:
            return Fraction(0)
        rows = literal.failures(self.sample, time)
        return literal.count([row for row in rows if (row.cause == self.cause) is of_cause])

    def at_risk(self, time: float) -> Fraction:
        return literal.count(literal.risk_set(self.sample, time))

    def h(self, time: float) -> Fraction:
        before = self.survival(time - 0.5)
        return self.at_risk(time) / before if before else Fraction(0)

    def incidence(self, until: float, times: list[float]) -> Fraction:
        steps = (
            self.survival(time - 0.5) * self.events(time, of_cause=True) / self.at_risk(time)
            for time in times
            if time <= until and self.at_risk(time)
        )
        return sum(steps, Fraction(0))


def literal_tie_factor(events: Fraction, at_risk: Fraction) -> Fraction:
    if events <= 1:
        return Fraction(1)
    return max((at_risk - events) / (at_risk - 1), Fraction(0)) if at_risk > 1 else Fraction(0)


def gray_literally(observations: Observations, cause: int) -> tuple[list[Fraction], list[list[Fraction]]] | None:
    """Return score and covariance in fractions, None where the common incidence reaches 1 too early."""
    subjects = literal.subjects(observations)
    groups = [LiteralGroup([row for row in subjects if row.group == code], cause) for code in range(GROUPS)]
    times = sorted({row.time for row in subjects if row.cause > 0})
    total = {t: sum((group.events(t, of_cause=True) for group in groups), Fraction(0)) for t in times}
    times_of_cause = [t for t in times if total[t] > 0]
    all_h = {t: sum((group.h(t) for group in groups), Fraction(0)) for t in times}
    growth = {t: total[t] / all_h[t] for t in times_of_cause}

    def free(until: float) -> Fraction:
        return 1 - sum((growth[t] for t in times_of_cause if t <= until), Fraction(0))

    def d(k: int, r: int, t: float) -> Fraction:
        return groups[k].h(t) * ((k == r) - groups[r].h(t) / all_h[t])

    def c(k: int, r: int, t: float) -> Fraction:
        later = [u for u in times_of_cause if u > t and d(k, r, u) != 0]
        return sum((d(k, r, u) * growth[u] / free(u - 0.5) for u in later), Fraction(0))

    if any(free(t - 0.5) <= 0 and d(0, 0, t) + d(1, 1, t) + d(2, 2, t) > 0 for t in times_of_cause):
        return None
    score = []
    for group in groups:
        expected = Fraction(0)
        for t in times_of_cause:
            weights = [one.h(t) * (1 - one.incidence(t - 0.5, times)) for one in groups]
            expected += weights[groups.index(group)] * total[t] / sum(weights)
        score.append(sum((group.events(t, of_cause=True) for t in times), Fraction(0)) - expected)
    covariance = [[Fraction(0)] * GROUPS for _ in groups]
    for r, group in enumerate(groups):
        for t in times:
            if group.h(t) == 0:
                continue
            tail = [c(k, r, t) for k in range(GROUPS)]
            after, before = group.survival(t), group.survival(t - 0.5)
            b = [-free(t) / after * tail[k] if after else Fraction(0) for k in range(GROUPS)]
            a = [d(k, r, t) + tail[k] + b[k] for k in range(GROUPS)]
            of_cause = growth.get(t, Fraction(0)) / group.h(t) * literal_tie_factor(total[t], all_h[t] * before)
            competing = group.events(t, of_cause=False)
            of_others = before**2 * competing / group.at_risk(t) ** 2
            of_others *= literal_tie_factor(competing, group.at_risk(t))
            for k in range(GROUPS):
                for j in range(GROUPS):
                    covariance[k][j] += a[k] * a[j] * of_cause + b[k] * b[j] * of_others
    return score, covariance
