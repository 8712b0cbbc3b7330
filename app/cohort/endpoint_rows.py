"""The analysis rows that a cohort gives for an end point: one a patient or lesion, or why it has none."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from app.analysis.observations import Observations, observe
from app.cohort.endpoints import Endpoint, EventKind
from app.cohort.model import Cohort, Lesion, Patient, Progression, Recurrence

NEVER_ABLATED = "never completely ablated"
NO_IMAGING = "no imaging after its session"
UNKNOWN_CAUSE = "died of an unknown cause"


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
    """The analysis rows of an end point, in the cohort's order, and how many units were left out, by reason."""

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

    Only the first event counts. A recurrence or progression at the time of death comes first, and a local recurrence
    at the time of a progression is the one that is named. Death without an earlier event is an event or a competing
    event at the patient's follow-up, also where that is after the last imaging. A unit whose time would end before
    its start is left out, as are lesions never completely ablated and, where causes of death count, the dead of
    unknown cause.

    Examples
    --------
    >>> from app.cohort.endpoints import ENDPOINTS
    >>> from app.cohort.model import Session
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
    return EndpointRows(endpoint, tuple(rows), dict(sorted(excluded.items())))


def _end(endpoint: Endpoint, patient: Patient, lesion: Lesion | None) -> tuple[float, int, str] | str:
    """Return time, cause and reason of a unit's end, or why the unit is left out."""
    if lesion is not None and not lesion.secondary_success:
        return NEVER_ABLATED
    start, lesions = (0.0, patient.lesions) if lesion is None else (lesion.session_time, (lesion,))
    events = _events(endpoint, patient, lesions)
    if events:
        # Of those at one time the first listed.
        time, kind = min(events, key=itemgetter(0))
        return time - start, 1, kind
    if patient.died:
        cause = _cause_of_death(endpoint, patient)
        return UNKNOWN_CAUSE if cause is None else (patient.follow_up - start, cause, "death")
    end = patient.follow_up if endpoint.censored_at == "last follow-up" else patient.last_imaging
    return NO_IMAGING if end < start else (end - start, 0, endpoint.censored_at)


def _events(endpoint: Endpoint, patient: Patient, lesions: Sequence[Lesion]) -> list[tuple[float, EventKind]]:
    """Return the events besides death, since the patient's first session: recurrences, then progressions."""
    found: dict[EventKind, Sequence[Recurrence | Progression]] = {
        "local recurrence": [recurrence for lesion in lesions for recurrence in lesion.recurrences],
        "progression": patient.progressions,
    }
    return [
        (event.time, kind)
        for kind in endpoint.events
        for event in found[kind]
        if not (endpoint.only_untreatable and event.treatable)
    ]


def _cause_of_death(endpoint: Endpoint, patient: Patient) -> int | None:
    """Return which of the end point's causes a death is, None where it is not known."""
    if endpoint.death == "by cause":
        return {"disease": 1, "procedure": 2, "other": 2}.get(patient.cause_of_death or "unknown")
    return 1 if endpoint.death == "event" else 2
