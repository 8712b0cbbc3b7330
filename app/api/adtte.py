"""Tables of CDISC's ADaM data set for times to events (ADTTE), read as columns of `subjects`."""

from collections.abc import Collection, Sequence
from typing import Any, get_args

from app.api.errors import ProblemError
from app.schemas.common import TimeUnit
from app.schemas.problem import Fault

Columns = dict[str, list[Any]]

MARK = "AVAL"
"""A table that has it is an ADTTE."""
FIELDS = {MARK: "time", "TRTP": "group", "USUBJID": "id"}
"""Taken where `subjects` has the field."""
VARIABLES = {"PARAMCD", "AVALU", "CNSR"}
"""Read whatever else there is."""
PASSED_OVER = {
    *("STUDYID", "SITEID", "SUBJID", "USUBJID", "ASEQ", "LESID", "PARAM", "PARAMN"),
    *("STARTDT", "STARTDTF", "ADT", "ADTF", "ADTM", "ADY", "EVNTDESC", "CNSDTDSC", "SRCDOM", "SRCVAR", "SRCSEQ"),
}
"""Variables that say nothing of what is estimated."""


def named(names: Collection[str], fields: Collection[str]) -> dict[str, str]:
    """Return the columns that are used, by name, and what they are called in `subjects`.

    Examples
    --------
    >>> named(["USUBJID", "PARAM", "AVAL", "CNSR", "AGE"], ["time", "event"])
    {'AVAL': 'time', 'CNSR': 'CNSR', 'AGE': 'AGE'}
    >>> named(["USUBJID", "time"], ["time", "event"])
    {'USUBJID': 'USUBJID', 'time': 'time'}
    """
    if MARK not in names:
        return {name: name for name in names}
    taken = {name: field for name, field in FIELDS.items() if field in fields}
    return {name: taken.get(name, name) for name in names if name in taken or name not in PASSED_OVER}


def translated(columns: Columns, fields: Collection[str], parameter: str | None) -> tuple[Columns, dict[str, Any]]:
    """Return the columns of an ADTTE as `subjects` has them, of one PARAMCD, and what AVALU says of the request."""
    columns = _chosen(columns, parameter)
    options = _unit(columns.pop("AVALU", None))
    if "CNSR" in columns:
        if "event" in columns:
            raise refused("/subjects/CNSR", "cannot stand beside the column event")
        if "event" not in fields:
            raise refused("/subjects/CNSR", "does not say by which cause a follow-up ended; send the column cause")
        columns["event"] = [_event(censoring) for censoring in columns.pop("CNSR")]
    return columns, options


def _chosen(columns: Columns, parameter: str | None) -> Columns:
    columns = dict(columns)
    codes = columns.pop("PARAMCD", [])
    if parameter is None:
        if len(set(codes)) > 1:
            raise refused("/subjects/PARAMCD", "has several values: choose one by the query parameter paramcd")
        return columns
    kept = [place for place, code in enumerate(codes) if str(code) == parameter]
    if not kept:
        raise refused("/subjects/PARAMCD", "has no row with the value of the query parameter paramcd")
    return {name: [column[place] for place in kept] for name, column in columns.items()}


def _unit(units: Sequence[Any] | None) -> dict[str, Any]:
    found = {str(unit).lower() for unit in units or () if unit is not None}
    if not found:
        return {}
    if len(found) > 1 or not found <= {*get_args(TimeUnit)}:
        raise refused("/subjects/AVALU", "must be days, weeks, months or years, the same in all rows")
    return {"time_unit": found.pop()}


def _event(censoring: Any) -> bool | None:
    if isinstance(censoring, int) and not isinstance(censoring, bool) and censoring >= 0:
        return censoring == 0
    return None


def refused(pointer: str, detail: str) -> ProblemError:
    """Return the problem of a column."""
    return ProblemError(
        "invalid_body",
        "The pointers of `errors` say where the body is wrong.",
        faults=[Fault(pointer=pointer, detail=detail)],
    )
