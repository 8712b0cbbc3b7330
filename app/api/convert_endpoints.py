"""Between the wire and the analysis rows of a cohort: request to cohort, rows to response."""

from typing import Any

from app.api import convert
from app.api.convert_cohort import treatment_cohort
from app.cohort.endpoint_rows import EndpointRows, derive_endpoint
from app.cohort.endpoints import ENDPOINTS
from app.cohort.model import Cohort
from app.cohort.notes import row_methods, row_warnings
from app.schemas import endpoints as wire


def answer(request: wire.EndpointsRequest, input_sha256: str) -> wire.EndpointsResponse:
    """Return the analysis rows that a request asks for."""
    cohort = treatment_cohort(request.cohort)
    derived = [derive_endpoint(cohort, ENDPOINTS[name]) for name in request.endpoints]
    return wire.EndpointsResponse(
        meta=wire.EndpointsMeta(
            service=convert.service(),
            time_unit=cohort.time_unit,
            input_sha256=input_sha256,
            patients=len(cohort.patients),
            warnings=convert.cautions(row_warnings(derived)),
            methods=row_methods(),
        ),
        endpoints=[endpoint(one, cohort) for one in derived],
    )


def endpoint(derived: EndpointRows, cohort: Cohort) -> wire.Endpoint:
    """Return an end point with its rows."""
    return wire.Endpoint(
        endpoint=derived.endpoint.name,
        unit=derived.endpoint.unit,
        definition=derived.endpoint.definition,
        excluded=convert.counted_reasons(derived.excluded),
        rows=rows(derived, cohort),
    )


def rows(derived: EndpointRows, cohort: Cohort) -> wire.EventRows | wire.CauseRows:
    """Return the rows as columns, with `cause` where events compete and `event` where none do."""
    patients = [patient.id for patient in cohort.patients]
    units = patients if derived.endpoint.unit == "patient" else [lesion.id for _, lesion in cohort.lesions()]
    columns: dict[str, Any] = {
        "patient_id": [patients[row.patient] for row in derived.rows],
        "id": [units[row.unit] for row in derived.rows],
        "time": [row.time for row in derived.rows],
        "reason": [row.reason for row in derived.rows],
    }
    if derived.endpoint.has_competing_events:
        labels = (None, *derived.endpoint.causes)
        return wire.CauseRows(cause=[labels[row.cause] for row in derived.rows], **columns)
    return wire.EventRows(event=[row.cause == 1 for row in derived.rows], **columns)
