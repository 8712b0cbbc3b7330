"""The outcome summary of random cohorts: what is always so, and what does not matter to it."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.cohort.endpoints import ENDPOINTS
from tests.cohort.builders import BINNED, CATEGORIES, Json, answered, assert_same, cohorts_json, dated, questions


@settings(deadline=None, max_examples=25)
@given(cohorts_json(), questions(), st.data())
def test_every_cohort_is_answered(body: Json, question: Json, data: st.DataObject) -> None:
    """Whatever unit its times are in, and whether they are numbers or dates; every unit is counted once."""
    patients = [dated(one) if data.draw(st.booleans()) else one for one in body["patients"]]
    sent = {"patients": patients, "time_unit": data.draw(st.sampled_from(["days", "weeks", "months", "years"]))}
    found = answered(sent, groupings=[*BINNED, *CATEGORIES], **{**question, "endpoints": list(ENDPOINTS)})
    json.dumps(found, allow_nan=False)
    for grouping in found["technical_success"]["groupings"]:
        total = sum(group["primary"]["total"] for group in grouping["groups"])
        assert total + grouping["excluded"] == found["cohort"]["lesions"]
    assert len(found["endpoints"]) == 8
    for result in found["endpoints"]:
        used = 0 if result["estimate"] is None else result["estimate"]["subjects"]
        assert used + sum(one["count"] for one in result["excluded"]) == found["cohort"][f"{result['unit']}s"]
        for grouping in result["groupings"]:
            assert sum(group["subjects"] for group in grouping["groups"]) + grouping["excluded"] == used


def in_one_order(value: Any, **keys: str) -> Any:
    """Return an answer with each list of these names sorted by the key that stands for it."""
    if isinstance(value, list):
        return [in_one_order(inner, **keys) for inner in value]
    if not isinstance(value, dict):
        return value
    found = {name: in_one_order(inner, **keys) for name, inner in value.items()}
    lists = {name: key for name, key in keys.items() if isinstance(found.get(name), list)}
    return found | {name: sorted(found[name], key=lambda one: str(one[key])) for name, key in lists.items()}


@settings(deadline=None, max_examples=20)
@given(cohorts_json(), questions(), st.data())
def test_the_order_of_patients_does_not_matter(body: Json, question: Json, data: st.DataObject) -> None:
    permuted = {**body, "patients": data.draw(st.permutations(body["patients"]))}
    one, other = (answered(sent, groupings=BINNED, **question) for sent in (permuted, body))
    assert_same(one, other)


@settings(deadline=None, max_examples=20)
@given(cohorts_json(), questions(), st.data())
def test_the_order_of_patients_orders_categories_only(body: Json, question: Json, data: st.DataObject) -> None:
    """What refers to the order of groups apart: the first is the reference of hazard ratios, scores are by place."""
    tests = [name for name in question["tests"] if name != "trend"]
    permuted = {**body, "patients": data.draw(st.permutations(body["patients"]))}
    answers = []
    for sent in (permuted, body):
        found = answered(sent, groupings=CATEGORIES, **{**question, "tests": tests})
        del found["summary"], found["meta"]["warnings"]
        for grouping in [one for result in found["endpoints"] for one in result["groupings"] if one["comparison"]]:
            del grouping["comparison"]["hazard_ratios"], grouping["comparison"]["restricted_mean_differences"]
        answers.append(in_one_order(found, groups="label"))
    assert_same(*answers)


@settings(deadline=None, max_examples=20)
@given(cohorts_json(), questions())
def test_dates_are_the_same_history_as_numbers_of_days(body: Json, question: Json) -> None:
    groupings = [*BINNED, *CATEGORIES]
    assert answered(dated(body), groupings=groupings, **question) == answered(body, groupings=groupings, **question)
