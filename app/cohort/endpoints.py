"""Time-to-event end points of tumour ablation, as a table.

The table follows the SIO/DATECAN consensus (Puijk et al., Radiology 2021;301:533-540); what it leaves open is our
reading, so each row has its definition in words, which every result prints.
"""

from dataclasses import dataclass
from typing import Literal

from app.cohort.model import Unit

EndpointName = Literal[
    "overall_survival",
    "cancer_specific_survival",
    "progression_free_survival",
    "time_to_progression",
    "local_progression_free_survival",
    "local_progression",
    "distant_progression_free_survival",
    "time_to_untreatable_progression",
]
EventKind = Literal["local recurrence", "progression"]

LIVING = "the living are censored at their last imaging."
OR_DEATH = f"or to death of any cause, also after the last imaging; {LIVING}"
DEATH_COMPETES = f"death without one is a competing event, also after the last imaging; {LIVING}"
ANY_PROGRESSION = "progression (a local recurrence of any lesion, or a progression away from the ablated lesions)"
RESIDUAL_STAYS = "Tumour left by an incomplete ablation is no progression; a recurrence recorded of any lesion is."
RESIDUAL_LEFT_OUT = "Lesions never completely ablated are left out."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A time-to-event end point.

    Attributes
    ----------
    in_words : what is survived, or the event of interest where others compete with it
    unit : what a row is; a patient's time begins with the first session, a lesion's with its own
    causes : labels of the kinds of end, that of interest first, those that compete with it after
    death : what death without an earlier event is; by cause, that of the disease is the event and others compete
    censored_at : where the living without an event end
    events : what besides death is an event; of a lesion its own recurrences, of a patient those of any lesion
    only_untreatable : whether what could be treated is no event
    """

    name: EndpointName
    in_words: str
    unit: Unit
    causes: tuple[str, ...]
    death: Literal["event", "competing", "by cause"]
    censored_at: Literal["last follow-up", "last imaging"]
    definition: str
    events: tuple[EventKind, ...] = ()
    only_untreatable: bool = False

    @property
    def has_competing_events(self) -> bool:
        """Return whether another event can come before that of interest."""
        return len(self.causes) > 1

    @property
    def cause_of_interest(self) -> int | None:
        """Return the cause whose events count, None where no other can come before it."""
        return 1 if self.has_competing_events else None


ENDPOINTS: dict[EndpointName, Endpoint] = {
    endpoint.name: endpoint
    for endpoint in (
        Endpoint(
            "overall_survival",
            "overall survival",
            unit="patient",
            causes=("death",),
            death="event",
            censored_at="last follow-up",
            definition="Time from the patient's first session to death of any cause; the living are censored at their "
            "last follow-up.",
        ),
        Endpoint(
            "cancer_specific_survival",
            "death of disease",
            unit="patient",
            causes=("disease", "other death"),
            death="by cause",
            censored_at="last follow-up",
            definition="Time from the patient's first session to death of the disease; death of another cause, the "
            "procedure included, is a competing event; the living are censored at their last follow-up. The dead of "
            "unknown cause are left out.",
        ),
        Endpoint(
            "progression_free_survival",
            "progression-free survival",
            unit="patient",
            causes=("progression or death",),
            events=("local recurrence", "progression"),
            death="event",
            censored_at="last imaging",
            definition=f"Time from the patient's first session to the first {ANY_PROGRESSION} {OR_DEATH} "
            f"{RESIDUAL_STAYS}",
        ),
        Endpoint(
            "time_to_progression",
            "progression",
            unit="patient",
            causes=("progression", "death"),
            events=("local recurrence", "progression"),
            death="competing",
            censored_at="last imaging",
            definition=f"Time from the patient's first session to the first {ANY_PROGRESSION}; {DEATH_COMPETES} "
            f"{RESIDUAL_STAYS}",
        ),
        Endpoint(
            "local_progression_free_survival",
            "local progression-free survival",
            unit="lesion",
            causes=("local recurrence or death",),
            events=("local recurrence",),
            death="event",
            censored_at="last imaging",
            definition=f"Time from the lesion's session to its first local recurrence {OR_DEATH} {RESIDUAL_LEFT_OUT}",
        ),
        Endpoint(
            "local_progression",
            "local recurrence",
            unit="lesion",
            causes=("local recurrence", "death"),
            events=("local recurrence",),
            death="competing",
            censored_at="last imaging",
            definition=f"Time from the lesion's session to its first local recurrence; {DEATH_COMPETES} "
            f"{RESIDUAL_LEFT_OUT}",
        ),
        Endpoint(
            "distant_progression_free_survival",
            "distant progression-free survival",
            unit="patient",
            causes=("progression or death",),
            events=("progression",),
            death="event",
            censored_at="last imaging",
            definition="Time from the patient's first session to the first progression away from the ablated lesions "
            f"{OR_DEATH} Local recurrences and tumour left by an incomplete ablation are no event.",
        ),
        Endpoint(
            "time_to_untreatable_progression",
            "untreatable progression",
            unit="patient",
            causes=("untreatable progression", "death"),
            events=("local recurrence", "progression"),
            only_untreatable=True,
            death="competing",
            censored_at="last imaging",
            definition="Time from the patient's first session to the first local recurrence of any lesion, or "
            f"progression away from the ablated lesions, that could not be treated; {DEATH_COMPETES} Recurrences and "
            "progressions that could be treated are no event, nor is tumour left by an incomplete ablation.",
        ),
    )
}
