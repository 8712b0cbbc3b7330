"""Disclosure control that the operator asks for: no answer with counts of fewer subjects than the floor."""

from collections.abc import Iterable

from fastapi.routing import APIRoute
from starlette.types import Scope

from app.api.access import path_of
from app.api.errors import ProblemError
from app.schemas.survival_request import SurvivalRequest
from app.settings import Settings

FIELD = "min_cell_count"


class Floor:
    """The check that a resource can hold small counts back: its requests have `min_cell_count`.

    Others would give exact counts, from which those that are held back elsewhere can be had by subtraction.
    """

    def __init__(self, routes: Iterable[APIRoute]) -> None:
        self.open_handed = {route.path for route in routes if FIELD not in _fields(route)}

    def __call__(self, scope: Scope) -> None:
        """Refuse a body for a resource that cannot."""
        if scope["method"] == "POST" and path_of(scope) in self.open_handed:
            raise ProblemError(
                "disclosure_control",
                "This installation tells nothing of few subjects, and this resource cannot hold such figures back. "
                f"Those whose requests have {FIELD} can.",
            )


def _fields(route: APIRoute) -> Iterable[str]:
    model = getattr(route.body_field and route.body_field.field_info, "annotation", None)
    return getattr(model, "model_fields", {})


def with_floor(request: SurvivalRequest, settings: Settings) -> SurvivalRequest:
    """Return a request as it is answered here: with the floor for `min_cell_count` where it has less or none."""
    floor = settings.min_cell_count
    if floor is None or (request.min_cell_count or 0) >= floor:
        return request
    return request.model_copy(update={FIELD: floor})
