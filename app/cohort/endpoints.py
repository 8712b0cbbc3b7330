"""Time-to-event end points of tumour ablation, and the analysis rows that a cohort gives for them.

The table follows the SIO/DATECAN consensus (Puijk et al., Radiology 2021;301:533-540); what it leaves open is our
reading, so each row has its definition in words, which every result prints.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from app.analysis.observations import Observations, observe
from app.cohort.model import Cohort, Lesion, Patient, Unit

EndpointName = Literal["overall_survival", "local_progression"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A time-to-event end point.

    Attributes
    ----------
    unit : what a row is
    counts_local_recurrence : whether a local recurrence of the lesion is an event
    death : what death without an earlier event is
    censored_at : where the living without an event end
    causes : labels of the kinds of event, that of interest first
    """

    name: EndpointName
    unit: Unit
    counts_local_recurrence: bool
    death: Literal["event", "competing"]
    censored_at: Literal["last follow-up", "last imaging"]
    causes: tuple[str, ...]
    definition: str

    @property
    def has_competing_events(self) -> bool:
        """Return whether another event can come before that of interest."""
        return self.death == "competing"

    @property
    def cause_of_interest(self) -> int | None:
        """Return the cause whose events count, None where no other can come before it."""
        return 1 if self.has_competing_events else None


ENDPOINTS: dict[EndpointName, Endpoint] = {
    endpoint.name: endpoint
    for endpoint in (
        Endpoint(
            "overall_survival",
            unit="patient",
            counts_local_recurrence=False,
            death="event",
            censored_at="last follow-up",
            causes=("death",),
            definition="Time from the patient's first session to death of any cause; the living are censored at their "
            "last follow-up.",
        ),
        Endpoint(
            "local_progression",
            unit="lesion",
            counts_local_recurrence=True,
            death="competing",
            censored_at="last imaging",
            causes=("local recurrence", "death"),
            definition="Time from the lesion's session to its first local recurrence; death without one is a competing "
            "event, also after the last imaging; the living are censored at their last imaging. Lesions never "
            "completely ablated are left out.",
        ),
    )
}

NEVER_ABLATED = "never completely ablated"
NO_IMAGING = "no imaging after its session"


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """What became of one unit.

    Attributes
    ----------
    patient : place of the patient in the cohort
    unit : place of the row's patient or lesion among those of the cohort
    time : from the row's start, in the cohort's unit
    cause : 0 = censored, else the place of the cause among the end point's, from 1 on
    reason : what ended the row, in a word
    """

    patient: int
    unit: int
    time: float
    cause: int
    reason: str


@dataclass(frozen=True, slots=True)
class EndpointRows:
    """The analysis rows of an end point, in the cohort's order, and what was left out of them."""

    endpoint: Endpoint
    rows: tuple[EndpointRow, ...]
    excluded: dict[str, int]

    def observations(self, codes: list[int] | None = None) -> Observations:
        """Return the sample of the rows, with group codes by unit where given; rows of code -1 are left out.

        Lesions of one patient are a cluster.

        Raises
        ------
        InvalidObservationsError
            If no row is left.
        """
        rows = [row for row in self.rows if codes is None or codes[row.unit] >= 0]
        return observe(
            [row.time for row in rows],
            [row.cause for row in rows],
            group=None if codes is None else [codes[row.unit] for row in rows],
            cluster=[row.patient for row in rows] if self.endpoint.unit == "lesion" else None,
        )


def derive_endpoint(cohort: Cohort, endpoint: Endpoint) -> EndpointRows:
    """Return the analysis rows of `endpoint`.

    Only the first event counts; a recurrence at the time of death comes first. Death without an earlier event is an
    event or a competing event at the patient's follow-up, also where that is after the last imaging. A unit whose
    time would end before its start is left out.

    Examples
    --------
    >>> from app.cohort.model import Recurrence, Session
    >>> lesion = Lesion("L1", 1.0, True, True, recurrences=(Recurrence(7.5),))
    >>> patient = Patient("P1", 20.0, True, 12.0, (Session("S1", 0.0), Session("S2", 1.0)), (lesion,))
    >>> rows = derive_endpoint(Cohort((patient,)), ENDPOINTS["local_progression"]).rows
    >>> rows[0].time, rows[0].cause, rows[0].reason
    (6.5, 1, 'local recurrence')
    """
    units: list[tuple[int, Lesion | None]] = (
        [(place, None) for place in range(len(cohort.patients))] if endpoint.unit == "patient" else [*cohort.lesions()]
    )
    rows, excluded = [], Counter[str]()
    for unit, (place, lesion) in enumerate(units):
        ended = _end(endpoint, cohort.patients[place], lesion)
        if isinstance(ended, str):
            excluded[ended] += 1
        else:
            time, cause, reason = ended
            rows.append(EndpointRow(place, unit, time, cause, reason))
    return EndpointRows(endpoint, tuple(rows), dict(excluded))


def _end(endpoint: Endpoint, patient: Patient, lesion: Lesion | None) -> tuple[float, int, str] | str:
    """Return time, cause and reason of a unit's end, or why the unit is left out."""
    start = 0.0 if lesion is None else lesion.session_time
    if lesion is not None and not lesion.secondary_success:
        return NEVER_ABLATED
    if lesion is not None and endpoint.counts_local_recurrence and lesion.recurrences:
        return min(recurrence.time for recurrence in lesion.recurrences) - start, 1, "local recurrence"
    if patient.died:
        return patient.follow_up - start, endpoint.causes.index("death") + 1, "death"
    end = patient.follow_up if endpoint.censored_at == "last follow-up" else patient.last_imaging
    return NO_IMAGING if end < start else (end - start, 0, endpoint.censored_at)
