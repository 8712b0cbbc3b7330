"""From analysis rows to CDISC's ADaM data set for times to events (ADTTE), as CSV."""

from typing import Any

from app.api.table_rows import Row, Rows, points
from app.cohort.endpoints import ENDPOINTS
from app.rendering.csv_writer import csv_text
from app.schemas.endpoints import Endpoint, EndpointName, EndpointsResponse

COLUMNS = ("USUBJID", "PARAMCD", "PARAM", "AVAL", "AVALU", "CNSR", "EVNTDESC", "CNSDTDSC", "LESID")
PARAMCD: dict[EndpointName, str] = {
    "overall_survival": "OS",
    "cancer_specific_survival": "CSS",
    "progression_free_survival": "PFS",
    "time_to_progression": "TTP",
    "local_progression_free_survival": "LTPFS",
    "local_progression": "TTLTP",
    "distant_progression_free_survival": "DPFS",
    "time_to_untreatable_progression": "TTUP",
}
EVENT, CENSORED = 0, 1


def adtte(answer: EndpointsResponse) -> str:
    """Return the rows of all end points.

    CNSR is 0 for the event, 1 for a censoring, and 2 and up for the competing events in the order that the end point
    has them; all but 0 are censored where their cause does not count. EVNTDESC says which event it was, CNSDTDSC what
    ended a row without the event. LESID is the lesion where a row is one, whose patient is USUBJID.
    """
    unit = answer.meta.time_unit.upper()
    return csv_text(COLUMNS, (row | {"AVALU": unit} for endpoint in answer.endpoints for row in _rows(endpoint)))


def _rows(endpoint: Endpoint) -> Rows:
    causes = ENDPOINTS[endpoint.endpoint].causes
    parameter = {"PARAMCD": PARAMCD[endpoint.endpoint], "PARAM": endpoint.endpoint.replace("_", " ").capitalize()}
    for row in points(endpoint.rows):
        lesion = row["id"] if endpoint.unit == "lesion" else None
        yield parameter | {"USUBJID": row["patient_id"], "AVAL": row["time"], "LESID": lesion} | _end(row, causes)


def _end(row: Row, causes: tuple[str, ...]) -> dict[str, Any]:
    cause = row["cause"] if "cause" in row else row["reason"] if row["event"] else None
    if cause is None:
        return {"CNSR": CENSORED, "CNSDTDSC": row["reason"]}
    if "event" in row or cause == causes[0]:
        return {"CNSR": EVENT, "EVNTDESC": cause}
    return {"CNSR": CENSORED + causes.index(cause), "EVNTDESC": cause, "CNSDTDSC": row["reason"]}
