"""Between the wire and figures: request to summary, and what of it the figure shows."""

from collections.abc import Mapping, Sequence

from app.api.convert_competing_risks import labels_and_causes
from app.api.convert_competing_risks import summarized as summarized_incidences
from app.api.convert_survival import summarized as summarized_survival
from app.rendering.figure import Figure, FigureOptions
from app.rendering.incidence_figure import incidence_figure
from app.rendering.survival_figure import survival_figure
from app.schemas import figure as wire
from app.schemas.competing_risks import CompetingRisksRequest
from app.schemas.survival_request import SurvivalRequest


def survival(request: SurvivalRequest) -> Figure:
    """Return the figure of the survival that a request asks for."""
    labels, summary = summarized_survival(request)
    return survival_figure(
        summary,
        _renamed(labels, request.figure.labels.groups),
        _options(request.figure),
        time_unit=request.time_unit,
        confidence_level=request.confidence_level,
    )


def incidences(request: CompetingRisksRequest) -> Figure:
    """Return the figure of the cumulative incidences that a request asks for."""
    _, summary = summarized_incidences(request)
    labels, causes = labels_and_causes(request)
    names = request.figure.labels
    return incidence_figure(
        summary,
        _renamed(labels, names.groups) or [""],
        _renamed(causes, names.causes),
        _options(request.figure),
        time_unit=request.time_unit,
        confidence_level=request.confidence_level,
    )


def _renamed(labels: Sequence[str], names: Mapping[str, str]) -> list[str]:
    return [names.get(label, label) for label in labels]


def _options(figure: wire.Figure) -> FigureOptions:
    return FigureOptions(
        figure.width,
        figure.height,
        figure.time_breaks,
        figure.at_risk,
        figure.until,
        figure.percent,
        figure.labels.title or "",
        figure.labels.time or "",
        figure.labels.value or "",
    )
