"""`POST /v1/regression/cox`: which rows count as how many subjects, and what is said of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api.cox_requests import AGE, SIZE, SUBJECTS, Json, answered, codes, subjects


class TestRowsThatCount:
    def test_dropped_rows_are_counted_and_told_of(self) -> None:
        missing = subjects(covariates={"age": [None, *AGE[1:]]}, weight=[3, *[1] * (SIZE - 1)])
        response = answered(subjects=missing, missing="drop")
        assert (response.meta.subjects_in, response.meta.subjects_used) == (SIZE + 2, SIZE - 1)
        assert [one.model_dump() for one in response.meta.excluded] == [
            {"reason": "a covariate is missing", "count": 3}
        ]
        assert "missing_covariates" in codes(response)

    def test_dropped_rows_of_subjects_with_others_are_counted_as_rows(self) -> None:
        half = [time / 2 for time in SUBJECTS["time"]]
        rows = {
            "time": half + SUBJECTS["time"],
            "entry": [0.0] * SIZE + half,
            "event": [False] * SIZE + SUBJECTS["event"],
            "covariates": {"age": [None, *AGE[1:], *AGE]},
            "id": [*range(SIZE)] * 2,
        }
        response = answered(subjects=rows, missing="drop")
        assert (response.meta.subjects_in, response.meta.subjects_used) == (SIZE, SIZE)
        assert [one.model_dump() for one in response.meta.excluded] == [
            {"reason": "rows in which a covariate is missing", "count": 1}
        ]
        (told,) = [one.detail for one in response.meta.warnings if one.code == "missing_covariates"]
        assert told.endswith(": 1 row.")

    def test_counting_process_rows_are_the_subjects_that_they_are_of(self) -> None:
        """Each subject cut in two at half its time: the same model."""
        half = [time / 2 for time in SUBJECTS["time"]]
        rows = {
            "time": half + SUBJECTS["time"],
            "entry": [0.0] * SIZE + half,
            "event": [False] * SIZE + SUBJECTS["event"],
            "covariates": {"age": AGE * 2},
            "id": [*range(SIZE)] * 2,
        }
        whole, cut, robust = (
            answered(subjects=subjects()),
            answered(subjects=rows),
            answered(subjects=rows, robust=True),
        )
        assert (cut.model.subjects, cut.model.events) == (whole.model.subjects, whole.model.events)
        assert cut.coefficients[0].coefficient == pytest.approx(whole.coefficients[0].coefficient)
        assert cut.model.concordance.model_dump() == pytest.approx(whole.model.concordance.model_dump())
        expected = answered(subjects=subjects(), robust=True).coefficients[0].robust_standard_error
        assert robust.coefficients[0].robust_standard_error == pytest.approx(expected)
        assert any("clustered by subject" in sentence for sentence in robust.meta.methods)
        assert any("Entry was delayed" in sentence for sentence in cut.meta.methods)
        weighted = answered(subjects=rows | {"weight": [2] * 2 * SIZE})
        assert weighted.model.subjects == 2 * SIZE

    def test_several_events_of_a_subject_are_told_of_unless_errors_are_robust(self) -> None:
        rows = subjects(id=[0, 0, *range(1, SIZE - 1)], entry=[0, 2, *[0] * (SIZE - 2)])
        assert "repeated_events" in codes(answered(subjects=rows))
        assert "repeated_events" not in codes(answered(subjects=rows, robust=True))

    def test_few_events_are_told_of(self) -> None:
        response = answered(subjects=subjects(event=[True, True, True] + [False] * (SIZE - 3)))
        assert "few_events" in codes(response)
        two: Json = {"time": [1, 2, 3, 4], "event": [1, 0, 1, 0], "covariates": {name: [1, 0, 0, 1] for name in "abc"}}
        two["covariates"] |= {"b": [0, 1, 1, 1], "c": [1, 1, 0, 2]}
        assert "more_coefficients_than_events" in codes(answered(subjects=two, penalizer=0.5))

    def test_hazards_that_cross_are_told_of(self) -> None:
        x = [1] * 10 + [0] * 20 + [1] * 10
        columns = {"time": [*range(1, 41)], "event": [True] * 40, "covariates": {"x": x}}
        response = answered(subjects=columns)
        assert "nonproportional_hazards" in codes(response)

    def test_sampling_weights_count_rows(self) -> None:
        columns = subjects(weight=[0.5, 1.5] * (SIZE // 2))
        response = answered(subjects=columns, weight_kind="sampling")
        assert response.model.subjects == SIZE
        assert any("clustered by subject" in sentence for sentence in response.meta.methods)
        of_clusters = answered(subjects=columns | {"cluster": [*range(SIZE)]}, weight_kind="sampling")
        assert any("clustered by cluster" in sentence for sentence in of_clusters.meta.methods)
        assert of_clusters.coefficients == response.coefficients


@given(st.permutations(range(SIZE)), st.lists(st.integers(1, 3), min_size=SIZE, max_size=SIZE))
@settings(deadline=None, max_examples=20)
def test_order_and_counting_of_rows_change_no_bit(order: list[int], counts: list[int]) -> None:
    """A table of counts is its rows, in whatever order."""

    def taken(places: list[int], weight: list[int] | None = None) -> Json:
        flat = {name: [SUBJECTS[name][place] for place in places] for name in ("time", "event")}
        covariates = {name: [column[place] for place in places] for name, column in SUBJECTS["covariates"].items()}
        return flat | {"covariates": covariates} | ({} if weight is None else {"weight": weight})

    replicated = [place for place in order for _ in range(counts[place])]
    options = {"predict_for": [{"age": 60, "size": "small"}], "landmarks": [12]}
    rows, table = (
        answered(subjects=taken(replicated), **options),
        answered(subjects=taken([*range(SIZE)], counts), **options),
    )
    assert rows.model_dump(exclude={"meta"}) == table.model_dump(exclude={"meta"})
    assert rows.meta.warnings == table.meta.warnings
