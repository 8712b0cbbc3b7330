"""What the tests of `POST /v1/regression/cox` share: answers without HTTP, and requests for R's models."""

import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from app.api.body import validated
from app.api.convert_cox import answer
from app.api.errors import ProblemError
from app.api.examples import example
from app.schemas.cox import CoxRequest, CoxResponse
from tests.references import blocks, reference

Json = dict[str, Any]
REQUEST: TypeAdapter[CoxRequest] = TypeAdapter(CoxRequest)
EXAMPLE = example("regression_cox_request")
SUBJECTS: Json = EXAMPLE["subjects"]
SIZE = len(SUBJECTS["time"])
AGE: list[float] = SUBJECTS["covariates"]["age"]
FILES = ("aml", "lung", "veteran", "ovarian", "kidney", "melanoma", "myeloma", "rats2", "rhdnase")


def subjects(**columns: Any) -> Json:
    """Return the example's subjects with age alone, which are enough for every figure to exist, and other columns."""
    return SUBJECTS | {"covariates": {"age": AGE}} | columns


def answered(**body: Any) -> CoxResponse:
    request, digest = validated(json.dumps(body).encode(), REQUEST)
    return answer(request, digest)


def refused(**body: Any) -> ProblemError:
    with pytest.raises(ProblemError) as error:
        answered(**body)
    return error.value


def faults(**body: Any) -> list[tuple[str, str]]:
    return [(one.pointer, one.detail) for one in refused(**body).faults]


def codes(response: CoxResponse) -> set[str]:
    return {warning.code for warning in response.meta.warnings}


MODELS = [(name, block["id"]) for name in FILES for block in blocks(name, "cox")]


def model(name: str, block_id: str) -> Json:
    return next(block for block in blocks(name, "cox") if block["id"] == block_id)


def r_request(name: str, block: Json) -> Json:
    """Return the request for a model of R: its Efron ties take weights as those of sampling."""
    part, columns = block["inputs"], reference(name)["columns"]
    rows = [row - 1 for row in block.get("rows_used", range(1, reference(name)["n_rows"] + 1))]
    factors = {one["variable"]: one["reference"] for one in block["coefficients"] if "level" in one}
    time, event = columns[part["time"]], columns.get(part["event"])
    if "cause ==" in block.get("data_step", ""):  # d$event <- as.integer(d$cause == 1)
        event = [cause == int(block["data_step"].split("==")[1].strip(" )")) for cause in columns["cause"]]
    if "lhs" in part:  # Surv(time - entry, event)
        time = [end - start for end, start in zip(time, columns["entry"], strict=True)]
    subjects: Json = {"time": time, "event": event}
    for field, role in (("entry", "entry"), ("cluster", "cluster"), ("weight", "weights")):
        if role in part:
            subjects[field] = columns[part[role]]
    if "strata" in part:
        subjects["stratum"] = columns[part["strata"][0]]
    kept = [row for row in rows if all(values[row] is not None for values in subjects.values())]
    taken: Json = {field: [values[row] for row in kept] for field, values in subjects.items()}
    covariates = {variable: columns[variable] for variable in part["covariates"]}
    taken["covariates"] = {
        variable: [None if values[row] is None else str(values[row]) for row in kept]
        if variable in factors
        else [values[row] for row in kept]
        for variable, values in covariates.items()
    }
    return {
        "subjects": taken,
        "ties": part["ties"],
        "missing": "drop",
        "time_unit": "days",
        "reference_levels": {variable: str(level) for variable, level in factors.items()},
        "weight_kind": "sampling" if "weights" in part and part["ties"] == "efron" else "frequency",
    }
