"""What the routes for operators return."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.schemas.competing_risks import MAX_CAUSES
from app.schemas.flat_request import MAX_GROUPS
from app.schemas.regression import MAX_COEFFICIENTS, MAX_COVARIATES, MAX_PROFILES


class Health(BaseModel):
    """The state of the service."""

    status: Annotated[Literal["ok"], Field(description="Always `ok`: what is not answers otherwise")] = "ok"


class Limits(BaseModel):
    """The requests that this installation takes; beyond the limits without a status they are refused with 422."""

    max_body_bytes: Annotated[int, Field(description="A larger body is refused with status 413")]
    max_patients: Annotated[int, Field(description="A larger cohort is refused with status 413")]
    max_subjects: Annotated[int, Field(description="More rows of subjects are refused with status 413")]
    max_levels: Annotated[int, Field(description="JSON that is nested deeper is refused with status 400")]
    max_members: Annotated[int, Field(description="JSON with an object of more members is refused with status 400")]
    max_groups: Annotated[int, Field(description="Groups of a sample, or of a grouping without bins")] = MAX_GROUPS
    max_causes: Annotated[int, Field(description="Causes that compete")] = MAX_CAUSES
    max_covariates: Annotated[int, Field(description="Covariates of a model")] = MAX_COVARIATES
    max_coefficients: Annotated[int, Field(description="Coefficients that these make")] = MAX_COEFFICIENTS
    max_profiles: Annotated[int, Field(description="Profiles of covariates to predict for")] = MAX_PROFILES
    inline_body_bytes: Annotated[
        int, Field(description="A larger body is computed in a worker process, as are figures and slow models")
    ]
    computing_processes: Annotated[int, Field(description="Worker processes of each process of the server")]
    max_queued_requests: Annotated[
        int, Field(description="Where more requests wait for one of them, the next is refused with status 503")
    ]
    max_answer_seconds: Annotated[
        float, Field(description="What they have not answered by then is ended, and refused with status 503")
    ]


class ServiceVersion(BaseModel):
    """Which service this is, and what it takes."""

    name: Annotated[Literal["atrisk"], Field(description="Name of the service")] = "atrisk"
    version: Annotated[str, Field(description="Semantic version, as in `meta.service` of every result")]
    limits: Limits
    min_cell_count: Annotated[
        int | None,
        Field(
            description="The least `min_cell_count` of all requests; resources without it are refused. `null` for none"
        ),
    ]
