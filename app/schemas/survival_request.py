"""Request of `POST /v1/survival`."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from app.schemas.common import ConfidenceType, RequestModel
from app.schemas.faults import Fault, refuse
from app.schemas.figure import FIGURE, Figure, figure_faults
from app.schemas.flat_request import MAX_GROUPS, SUBJECTS, FlatRequest, TimePoint, flat_faults, group_labels
from app.schemas.subjects import MAX_TIME, SurvivalSubjects, label

TestName = Literal["log-rank", "gehan-breslow", "tarone-ware", "peto-peto", "modified-peto-peto"]
Adjustment = Literal["holm", "hochberg", "bonferroni", "bh", "by", "none"]
Power = Annotated[float, Field(ge=0, le=100)]


class FlemingHarrington(RequestModel):
    """The test with weights S(t-)^rho (1 - S(t-))^gamma, by the pooled survival estimate S."""

    name: Literal["fleming-harrington"] = Field(description="Name of the test.")
    rho: Power = Field(default=0, description="More than 0 weights early differences up.")
    gamma: Power = Field(default=0, description="More than 0 weights late differences up.")


class Trend(RequestModel):
    """The log-rank test against an ordered alternative."""

    name: Literal["trend"] = Field(description="Name of the test.")
    scores: list[Annotated[float, Field(ge=-MAX_TIME, le=MAX_TIME)]] | None = Field(
        default=None,
        max_length=MAX_GROUPS,
        description="One a group, in the groups' order. Default: 1, 2, 3 and so on.",
    )


class MaxCombo(RequestModel):
    """The largest of four Fleming-Harrington statistics of two groups: a test for hazards of whatever ratio."""

    name: Literal["max-combo"] = Field(description="Name of the test.")


def _form(value: Any) -> str:
    return "options" if isinstance(value, dict | RequestModel) else "name"


TestChoice = Annotated[
    Annotated[TestName, Tag("name")]
    | Annotated[FlemingHarrington | Trend | MaxCombo, Field(discriminator="name"), Tag("options")],
    Discriminator(_form),
]


class Pairwise(RequestModel):
    """Tests of the groups in pairs."""

    adjustment: Adjustment = Field(default="holm", description="How p values allow for the number of pairs.")


class SurvivalRequest(FlatRequest):
    """Subjects, and what is estimated of their survival."""

    subjects: SurvivalSubjects = Field(description=SUBJECTS)
    confidence_type: ConfidenceType | None = Field(
        default=None,
        description="Interval of survival probabilities. Default: the convention's (`r` log, `sas` and `stata` "
        "log-log, `spss` plain).",
    )
    quantiles: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        default=[0.25, 0.5, 0.75], max_length=100, description="Probabilities of having had the event."
    )
    horizon: float | None = Field(
        default=None, gt=0, le=MAX_TIME, description="Of the restricted mean. Default: the convention's."
    )
    start_time: TimePoint | None = Field(
        default=None, description="Estimates are given that the subject is event-free then; for delayed entry."
    )
    risk_table_times: list[TimePoint] | None = Field(
        default=None, max_length=200, description="Times of the table under a figure; without them there is none."
    )
    tests: list[TestChoice] | None = Field(
        default=None, max_length=20, description="Default: the log-rank test where there are 2 groups or more."
    )
    pairwise: Pairwise | None = Field(default=None, description="Whether the groups are tested in pairs, too.")
    min_cell_count: int | None = Field(
        default=None, ge=2, le=1000, description="Counts from 1 to one less, and what would reveal them, are `null`."
    )
    figure: Figure = Field(default=Figure(), description=FIGURE)

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(_faults(self))
        return self


def _faults(request: SurvivalRequest) -> Iterator[Fault]:
    yield from flat_faults(request)
    yield from _time_faults(request)
    groups = group_labels(request)
    yield from _test_faults(request, len(groups))
    yield from figure_faults(request.figure, request.start_time or 0, map(label, groups))


def _time_faults(request: SurvivalRequest) -> Iterator[Fault]:
    start = request.start_time
    if start is None:
        return
    if start > max(request.subjects.time):
        yield ("start_time",), "lies after the follow-up of every subject"
    if request.horizon is not None and request.horizon <= start:
        yield ("horizon",), "must be after start_time"
    for name, times in (("landmarks", request.landmarks), ("risk_table_times", request.risk_table_times or ())):
        for place, time in enumerate(times):
            if time < start:
                yield (name, place), "must not be before start_time"


def _test_faults(request: SurvivalRequest, groups: int) -> Iterator[Fault]:
    tests = request.tests or []
    for place, test in enumerate(tests):
        if test in tests[:place]:
            yield ("tests", place), "is named before"
        if isinstance(test, Trend) and test.scores is not None and groups > 1:
            if len(test.scores) != groups:
                yield ("tests", place, "scores"), "must have as many items as there are groups"
            elif len(set(test.scores)) == 1:
                yield ("tests", place, "scores"), "must not all be equal"
