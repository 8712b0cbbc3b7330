"""Between the wire and reports: request to outcomes, and the report of them."""

from app.api import convert
from app.api.convert_outcomes import summarized
from app.rendering.document import Document
from app.rendering.report import Provenance, outcome_report
from app.schemas.outcomes import OutcomesRequest


def report(request: OutcomesRequest, input_sha256: str) -> Document:
    """Return the report of the outcomes that a request asks for; without curves it has no figures."""
    service = convert.service()
    provenance = Provenance(request.cohort.name or "", f"{service.name} {service.version}", input_sha256)
    return outcome_report(summarized(request), provenance, drawn=request.curve != "none")
