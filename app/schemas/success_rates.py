"""Request and response of `POST /v1/success-rates`: proportions, from counts or from rows."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, NotRequired, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator, with_config
from typing_extensions import TypedDict

from app.schemas.columns import Flags, Packs, flags
from app.schemas.common import (
    NULL,
    Label,
    Meta,
    Proportion,
    ProportionInterval,
    Ratio,
    RatioLower,
    RatioUpper,
    Reason,
    RequestModel,
    ResponseModel,
    Test,
)
from app.schemas.faults import Fault, refuse, repeated
from app.schemas.flat_request import MAX_GROUPS, SUBJECTS, group_faults, in_order
from app.schemas.subjects import (
    MAX_COUNT,
    MAX_TIME,
    Category,
    Cluster,
    ClusterColumn,
    Columns,
    Flag,
    Group,
    GroupColumn,
    OrRows,
    Taken,
    label,
)

TestName = Literal["fisher", "chi-squared", "trend"]

Success = Annotated[Flag, Field(description="Whether the unit succeeded.")]
Count = Annotated[
    int,
    Taken(
        Annotated[
            float,  # to JSON 3.0 is the integer 3
            Field(ge=0, lt=MAX_COUNT, multiple_of=1),
            AfterValidator(int),
            WithJsonSchema({"exclusiveMaximum": MAX_COUNT, "minimum": 0, "type": "integer"}),
        ],
        "must be a whole number from 0 to less than 2**53",
    ),
]


class SuccessCounts(RequestModel):
    """A group as its counts."""

    label: Category = Field(description="The group's label, unlike all others.")
    successes: Count = Field(description="Units that succeeded, at most `total`.")
    total: Count = Field(description="Units in all.")


@with_config(RequestModel.model_config)
class SuccessRow(TypedDict):
    """A unit. All rows have the same fields."""

    success: Success
    group: NotRequired[Group]
    cluster: NotRequired[Cluster]


class SuccessColumns(Columns):
    """Units: columns of one length, an item a unit."""

    success: Annotated[Flags, Packs(Annotated[list[Success], Field(min_length=1)], flags)] = Field(
        description="Whether each unit succeeded."
    )
    group: GroupColumn | None = Field(default=None, description="Groups: all strings, all integers or all booleans.")
    cluster: ClusterColumn | None = Field(default=None, description="Clusters, of one kind as groups are.")


class SuccessRatesRequest(RequestModel):
    """Counts or rows of units that succeeded or did not, and what is estimated of them."""

    groups: list[SuccessCounts] | None = Field(
        default=None, min_length=1, max_length=MAX_GROUPS, description="Groups as their counts; or else `subjects`."
    )
    subjects: Annotated[SuccessColumns, OrRows(SuccessRow)] | None = Field(
        default=None, description=f"{SUBJECTS} Or else `groups`."
    )
    confidence_level: float = Field(default=0.95, gt=0, lt=1, description="Level of every interval.")
    interval: ProportionInterval = Field(
        default="wilson",
        description="Method of the intervals of proportions. Differences have Newcombe's, made of Wilson's, unless "
        "this is `wald`.",
    )
    tests: list[TestName] | None = Field(
        default=None, max_length=3, description="Default: Fisher's test where there are 2 groups or more."
    )
    scores: list[Annotated[float, Field(ge=-MAX_TIME, le=MAX_TIME)]] | None = Field(
        default=None,
        max_length=MAX_GROUPS,
        description="Of the test `trend`, one a group, in the groups' order. Default: 1, 2, 3 and so on.",
    )
    group_order: list[Category] | None = Field(
        default=None,
        max_length=1000,
        description="The groups of `subjects` in the answer's order; others are compared with the first. Default: as "
        "they first appear.",
    )

    @property
    def rows(self) -> int:
        """How many rows of subjects there are."""
        return 0 if self.subjects is None else len(self.subjects.success)

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(_faults(self))
        return self


def group_names(request: SuccessRatesRequest) -> list[Category]:
    """Return the groups in the answer's order, as they were sent; none without them."""
    if request.subjects is None:
        return [group.label for group in request.groups or ()]
    return in_order(request.subjects.group, request.group_order)


def _faults(request: SuccessRatesRequest) -> Iterator[Fault]:
    if (request.groups is None) == (request.subjects is None):
        yield (), "must have either groups or subjects"
        return
    yield from _count_faults(request.groups or [])
    subjects = request.subjects
    column, location = (None, ()) if subjects is None else (subjects.group, ("subjects", *subjects.at("group")))
    yield from group_faults(column, request.group_order, location)
    yield from _test_faults(request)


def _count_faults(groups: Sequence[SuccessCounts]) -> Iterator[Fault]:
    labels = [label(group.label) for group in groups]
    for place, group in enumerate(groups):
        if labels[place] in labels[:place]:
            yield ("groups", place, "label"), "is named before"
        if group.successes > group.total:
            yield ("groups", place, "successes"), "must be at most its total"
    if sum(group.total for group in groups) >= MAX_COUNT:
        yield ("groups",), "must have totals whose sum is less than 2**53"


def _test_faults(request: SuccessRatesRequest) -> Iterator[Fault]:
    tests, groups = request.tests or [], len(group_names(request))
    yield from repeated(tests, "tests")
    if request.scores is None:
        return
    if "trend" not in tests:
        yield ("scores",), "needs the test trend"
    if groups > 1:
        if len(request.scores) != groups:
            yield ("scores",), "must have as many items as there are groups"
        elif len(set(request.scores)) == 1:
            yield ("scores",), "must not all be equal"


class SuccessRate(Proportion):
    """The proportion of a group."""

    label: Label


class ClusterAdjustedDifference(ResponseModel):
    """A difference's error where units, in either group, are clustered."""

    standard_error: float | None = Field(ge=0, description=f"From the proportions' clustered covariance; {NULL}")
    lower: float | None = Field(ge=-1, le=1, description=f"Lower limit at `confidence_level`; {NULL}")
    upper: float | None = Field(ge=-1, le=1, description=f"Upper limit at `confidence_level`; {NULL}")


class ProportionDifference(ResponseModel):
    """Proportions of two groups: `first` - `second`, and `first` / `second`."""

    first: Label
    second: Label
    difference: float | None = Field(ge=-1, le=1, description=f"Difference of the proportions; {NULL}")
    lower: float | None = Field(ge=-1, le=1, description=f"Lower limit of the difference; {NULL}")
    upper: float | None = Field(ge=-1, le=1, description=f"Upper limit of the difference; {NULL}")
    interval: Literal["newcombe", "wald"] = Field(description="Method of the difference's interval.")
    odds_ratio: Ratio = Field(description=f"Conditional maximum likelihood estimate, as beside Fisher's test; {NULL}")
    odds_ratio_lower: RatioLower = Field(description=f"Exact lower limit of the odds ratio; {NULL}")
    odds_ratio_upper: RatioUpper = Field(description=f"Exact upper limit of the odds ratio; {NULL}")
    relative_risk: Ratio = Field(description=f"Ratio of the proportions; {NULL}")
    relative_risk_lower: RatioLower = Field(description=f"Lower limit of the ratio, on the log scale; {NULL}")
    relative_risk_upper: RatioUpper = Field(description=f"Upper limit of the ratio, on the log scale; {NULL}")
    cluster_adjusted: ClusterAdjustedDifference | None = Field(description="`null` without clusters.")
    reason: Reason


class SuccessRatesResponse(ResponseModel):
    """Proportions of units that succeeded, overall and by group."""

    meta: Meta
    overall: Proportion
    groups: list[SuccessRate] = Field(description="As sent, or in the order of `group_order` or first appearance.")
    tests: list[Test] = Field(
        description="Each test asked for and, with clusters, `robust-score`; none with fewer than two groups."
    )
    differences: list[ProportionDifference] = Field(description="Of the first group with each other one.")
