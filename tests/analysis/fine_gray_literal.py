"""Fine-Gray models straight from the definitions, subject by subject, and their derivatives by small changes."""

from collections.abc import Callable

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Ties
from app.analysis.observations import Observations

Rows = FloatArray


class Literal:
    """A sample, seen with other weights of its rows: the weights of those with a competing event follow them."""

    def __init__(self, observations: Observations, x: FloatArray) -> None:
        self.time, self.cause, self.x = observations.time, observations.cause, x
        self.entry = np.full(observations.size, -1.0) if observations.entry is None else observations.entry
        self.stratum = np.zeros(observations.size) if observations.stratum is None else observations.stratum
        self.counts = observations.weights
        self.steps = [
            (time, stratum)
            for stratum in np.unique(self.stratum)
            for time in np.unique(self.time[(self.cause == 1) & (self.stratum == stratum)])
        ]

    def leaving(self, moment: float, stratum: float, counts: Rows) -> tuple[float, float, float, float]:
        """Return c, n', e and n+: after the events c more leave than enter, or e more enter than leave."""
        rows = counts * (self.stratum == stratum)
        at_risk = rows[(self.entry < moment) & (moment <= self.time)].sum()
        staying = at_risk - rows[(self.time == moment) & (self.cause > 0)].sum()
        censored = rows[(self.time == moment) & (self.cause == 0)].sum()
        entering = rows[self.entry == moment].sum()
        both = min(censored, entering)
        return censored - both, staying, entering - both, staying - censored + entering

    def moments(self, start: float, end: float) -> list[float]:
        """Return the moments from `start` up to just before `end` at which somebody may leave or enter."""
        return [moment for moment in np.unique([*self.time, *self.entry]).tolist() if start <= moment < end]

    def weight(self, row: int, time: float) -> float:
        """Return G(t-) H(t-) / (G(T-) H(T-)), 1 before T, 0 for those who were censored; Geskus (2011)."""
        if time <= self.time[row]:
            return float(self.entry[row] < time)
        weight = float(self.cause[row] > 1)
        for moment in self.moments(self.time[row], time):
            censored, staying, entering, after = self.leaving(moment, self.stratum[row], self.counts)
            weight *= (1 - censored / staying if censored else 1) / (1 - entering / after if entering else 1)
        return weight

    def drift(self, row: int, time: float, counts: Rows) -> float:
        """Return how much the logarithm of a weight changes with the counts of rows, by Nelson-Aalen hazards."""
        total = 0.0
        for moment in self.moments(self.time[row], time):
            for sign, these in ((1, counts), (-1, self.counts)):
                censored, staying, entering, after = self.leaving(moment, self.stratum[row], these)
                total += sign * ((entering / after if entering else 0) - (censored / staying if censored else 0))
        return total

    def at_risk(self, time: float, stratum: float, counts: Rows) -> Rows:
        """Return what each row counts in the risk set."""
        weights = [
            self.weight(row, time) * np.exp(self.drift(row, time, counts)) if self.stratum[row] == stratum else 0.0
            for row in range(self.time.size)
        ]
        return np.asarray(counts * np.array(weights))

    def events(self, time: float, stratum: float, counts: Rows) -> Rows:
        """Return how often each row has the event of interest."""
        return np.asarray(counts * ((self.time == time) & (self.cause == 1) & (self.stratum == stratum)))

    def log_likelihood(self, coefficient: FloatArray, ties: Ties) -> float:
        total, risk = 0.0, np.exp(self.x @ coefficient)
        for time, stratum in self.steps:
            at_risk, events = self.at_risk(time, stratum, self.counts), self.events(time, stratum, self.counts)
            total += float(events @ self.x @ coefficient)
            for step in range(round(events.sum())):
                left = step / events.sum() if ties == "efron" else 0.0
                total -= float(np.log(risk @ (at_risk - left * events)))
        return total

    def score(self, coefficient: FloatArray, counts: Rows) -> FloatArray:
        """Return the score with Breslow's ties."""
        total, risk = np.zeros(self.x.shape[1]), np.exp(self.x @ coefficient)
        for time, stratum in self.steps:
            weights, events = risk * self.at_risk(time, stratum, counts), self.events(time, stratum, counts)
            total += events @ (self.x - weights @ self.x / weights.sum())
        return total

    def log_hazard(self, coefficient: FloatArray, counts: Rows, until: float, stratum: float) -> float:
        """Return log H0 by Breslow's estimate."""
        risk = np.exp(self.x @ coefficient)
        terms = [
            self.events(time, of, counts).sum() / (risk @ self.at_risk(time, of, counts))
            for time, of in self.steps
            if time <= until and of == stratum
        ]
        return float(np.log(np.sum(terms)))

    def by_row(self, function: Callable[[Rows], FloatArray | float], step: float = 1e-5) -> FloatArray:
        """Return the derivatives by the count of each row."""
        change = step * np.eye(self.counts.size)
        return np.array([(function(self.counts + one) - function(self.counts - one)) / (2 * step) for one in change])


def gradient(function: Callable[[FloatArray], FloatArray | float], at: FloatArray, step: float = 1e-5) -> FloatArray:
    """Return the derivatives by each coefficient, stacked."""
    change = step * np.eye(at.size)
    return np.array([(function(at + one) - function(at - one)) / (2 * step) for one in change])
