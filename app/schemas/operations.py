"""What the routes for operators return."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The state of the service."""

    status: Annotated[Literal["ok"], Field(description="Always `ok`: what is not answers otherwise")] = "ok"


class Limits(BaseModel):
    """The sizes of requests that this installation takes."""

    max_body_bytes: Annotated[int, Field(description="A larger body is refused with status 413")]
    max_patients: Annotated[int, Field(description="A larger cohort is refused with status 413")]
    max_subjects: Annotated[int, Field(description="More rows of subjects are refused with status 413")]


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
