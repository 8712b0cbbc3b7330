"""The table of end points is the contract's."""

from typing import get_args

import pytest

from app.cohort.endpoints import ENDPOINTS, EndpointName
from app.schemas import endpoints as wire
from app.schemas.outcomes import OutcomesRequest

CONTRACT = [
    ("overall_survival", "patient", "last follow-up", None),
    ("cancer_specific_survival", "patient", "last follow-up", ("disease", "other death")),
    ("progression_free_survival", "patient", "last imaging", None),
    ("time_to_progression", "patient", "last imaging", ("progression", "death")),
    ("local_progression_free_survival", "lesion", "last imaging", None),
    ("local_progression", "lesion", "last imaging", ("local recurrence", "death")),
    ("distant_progression_free_survival", "patient", "last imaging", None),
    ("time_to_untreatable_progression", "patient", "last imaging", ("untreatable progression", "death")),
]
"""Name, unit, where the living are censored, and the causes where one competes."""


def test_units_censoring_and_competing_causes() -> None:
    found = [
        (one.name, one.unit, one.censored_at, one.causes if one.has_competing_events else None)
        for one in ENDPOINTS.values()
    ]
    assert found == CONTRACT


def test_events_of_one_cause_are_of_interest_where_others_compete() -> None:
    for one in ENDPOINTS.values():
        assert one.cause_of_interest == (1 if one.has_competing_events else None)


def test_all_are_on_the_wire_and_in_the_order_of_the_contract() -> None:
    names = [name for name, *_ in CONTRACT]
    assert list(ENDPOINTS) == [*get_args(EndpointName)] == [*get_args(wire.EndpointName)] == names
    assert wire.EndpointsRequest.model_fields["endpoints"].default == names
    assert OutcomesRequest.model_fields["endpoints"].default == ["overall_survival", "local_progression"]


def test_every_competing_cause_is_on_the_wire() -> None:
    causes = {cause for *_, causes in CONTRACT for cause in causes or ()}
    assert causes == {*get_args(wire.Cause)}


@pytest.mark.parametrize(("name", "unit", "censored_at", "causes"), CONTRACT)
def test_the_definition_says_in_words_what_the_row_says(
    name: EndpointName, unit: str, censored_at: str, causes: tuple[str, ...] | None
) -> None:
    definition = ENDPOINTS[name].definition
    start = "the patient's first session" if unit == "patient" else "the lesion's session"
    assert definition.startswith(f"Time from {start} to ")
    assert f"the living are censored at their {censored_at}." in definition
    assert ("is a competing event" in definition) == (causes is not None)
    assert ("also after the last imaging" in definition) == (censored_at == "last imaging")
    assert ("ever completely ablated are left out" in definition) == (unit == "lesion")
    assert ("incomplete ablation" in definition) == (unit == "patient" and censored_at == "last imaging")
    assert definition.endswith(".")
