"""Deaths around the treatment and complications, counted by hand."""

from datetime import date, timedelta

import pytest

from app.analysis.proportions import estimate_proportion
from app.cohort.model import DAYS_PER_UNIT, Complication, Patient, Session, TimeUnit
from app.cohort.safety import Mortality, Safety, describe_safety
from tests.cohort.builders import Json, cohort, cohort_json, patient, patient_json, received, session_json


def safety(*patients: Patient, time_unit: TimeUnit = "days", days: float = 30) -> Safety:
    return describe_safety(cohort(*patients, time_unit=time_unit), days, 0.95, "wilson")


def periprocedural(*patients: Patient, days: float = 30) -> int:
    return safety(*patients, days=days).periprocedural_deaths.count


def of_known(mortality: Mortality) -> tuple[int, int, int]:
    return mortality.proportion.count, mortality.proportion.total, mortality.unknown


class TestPeriproceduralDeaths:
    SESSIONS = (Session("S2", 100.0), Session("S1", 0.0))

    @pytest.mark.parametrize(("follow_up", "count"), [(0, 1), (29, 1), (30, 1), (31, 0), (99, 0)])
    def test_within_30_days_of_the_only_session(self, follow_up: float, count: int) -> None:
        assert periprocedural(patient(follow_up, died=True)) == count

    @pytest.mark.parametrize(("follow_up", "count"), [(100, 1), (130, 1), (131, 0)])
    def test_within_30_days_of_the_last_session(self, follow_up: float, count: int) -> None:
        assert periprocedural(patient(follow_up, died=True, sessions=self.SESSIONS)) == count

    @pytest.mark.parametrize(("days", "count"), [(0, 1), (1, 2), (10, 3), (365, 4)])
    def test_within_the_days_asked_for(self, days: float, count: int) -> None:
        assert periprocedural(*[patient(time, died=True) for time in (0, 1, 10, 100)], days=days) == count

    @pytest.mark.parametrize(("cause", "count"), [("procedure", 1), ("disease", 0), ("unknown", 0), (None, 0)])
    def test_of_the_procedure_whenever_it_was(self, cause: str | None, count: int) -> None:
        assert periprocedural(patient(400, died=True, cause_of_death=cause)) == count

    def test_a_death_soon_after_the_session_and_of_the_procedure_is_one(self) -> None:
        assert periprocedural(patient(3, died=True, cause_of_death="procedure")) == 1

    def test_the_living_do_not_count_but_belong_to_the_denominator(self) -> None:
        found = safety(patient(3), patient(3, died=True), patient(400))
        assert found.periprocedural_deaths == estimate_proportion(1, 3)


class TestMortality:
    def test_of_the_patients_who_died_by_then_or_were_followed_that_long(self) -> None:
        died = [patient(time, died=True) for time in (0, 30, 31, 90, 91)]
        alive = [patient(time) for time in (29, 30, 89, 90, 400)]
        found = safety(*died, *alive)
        assert of_known(found.mortality_30_day) == (2, 9, 1)
        assert of_known(found.mortality_90_day) == (4, 7, 3)
        assert found.mortality_30_day.proportion == estimate_proportion(2, 9)

    def test_runs_from_the_first_session(self) -> None:
        late = patient(110, died=True, sessions=(Session("S1", 0.0), Session("S2", 100.0)))
        found = safety(late)
        assert of_known(found.mortality_90_day) == (0, 1, 0)
        assert found.periprocedural_deaths.count == 1

    def test_is_not_known_where_nobody_was_followed_so_long(self) -> None:
        found = safety(patient(3), patient(5))
        assert found.mortality_30_day == Mortality(found.mortality_30_day.proportion, unknown=2)
        assert found.mortality_30_day.proportion.total == 0

    @pytest.mark.parametrize(("time_unit", "times"), [("weeks", (4.28, 4.29)), ("months", (0.98, 0.99))])
    def test_in_other_units(self, time_unit: TimeUnit, times: tuple[float, float]) -> None:
        """30 days are 4.286 weeks or 0.9856 months."""
        before, after = times
        found = safety(*[patient(time, died=True) for time in times], patient(before), time_unit=time_unit)
        assert of_known(found.mortality_30_day) == (1, 2, 1)
        assert found.periprocedural_deaths.count == 1
        assert of_known(safety(patient(after), time_unit=time_unit).mortality_30_day) == (0, 1, 0)

    def test_in_years(self) -> None:
        found = safety(patient(0.082, died=True), patient(0.083, died=True), time_unit="years")
        assert of_known(found.mortality_30_day) == (1, 2, 0)


@pytest.mark.parametrize("time_unit", DAYS_PER_UNIT)
@pytest.mark.parametrize("first", [date(2019, 12, 15), date(2021, 2, 10), date(1999, 7, 31)])
class TestDates:
    def sent(self, first: date, days: int, session: int = 0, **fields: bool) -> Json:
        def day(number: int) -> str:
            return (first + timedelta(days=number)).isoformat()

        sessions = [session_json(id="S") | {"time": day(0)}, session_json(id="S2") | {"time": day(session)}]
        return patient_json(**fields) | {"follow_up": day(days), "sessions": sessions}

    @pytest.mark.parametrize(("days", "deaths_of_30", "deaths_of_90"), [(30, 1, 1), (31, 0, 1), (90, 0, 1), (91, 0, 0)])
    def test_the_last_day_of_a_period_belongs_to_it(
        self, time_unit: TimeUnit, first: date, days: int, deaths_of_30: int, deaths_of_90: int
    ) -> None:
        body = cohort_json(self.sent(first, days, died=True), time_unit=time_unit)
        found = describe_safety(received(body), 30, 0.95, "wilson")
        assert found.periprocedural_deaths.count == deaths_of_30
        assert of_known(found.mortality_30_day) == (deaths_of_30, 1, 0)
        assert of_known(found.mortality_90_day) == (deaths_of_90, 1, 0)

    @pytest.mark.parametrize("session", [1, 47, 300])
    def test_so_does_that_after_a_later_session(self, time_unit: TimeUnit, first: date, session: int) -> None:
        on_it, after_it = (self.sent(first, session + days, session, died=True) for days in (30, 31))
        found = describe_safety(received(cohort_json(on_it, after_it, time_unit=time_unit)), 30, 0.95, "wilson")
        assert found.periprocedural_deaths.count == 1 + (session == 0)

    @pytest.mark.parametrize(("days", "unknown"), [(29, 1), (30, 0)])
    def test_the_living_are_followed_long_enough_on_the_day(
        self, time_unit: TimeUnit, first: date, days: int, unknown: int
    ) -> None:
        found = describe_safety(received(cohort_json(self.sent(first, days), time_unit=time_unit)), 30, 0.95, "wilson")
        assert of_known(found.mortality_30_day) == (0, 1 - unknown, unknown)


class TestComplications:
    def test_are_counted_by_system_and_grade_in_their_order(self) -> None:
        sessions = (
            Session("S1", 0.0, (Complication("SIR", "B"), Complication("CTCAE", "3"), Complication("SIR", "A"))),
            Session("S2", 1.0),
            Session("S3", 2.0, (Complication("SIR", "B"),)),
        )
        found = safety(patient(9, sessions=sessions), patient(9))
        assert list(found.complications.items()) == [(("CTCAE", "3"), 1), (("SIR", "A"), 1), (("SIR", "B"), 2)]

    def test_a_session_with_several_is_one(self) -> None:
        twice = Session("S", 0.0, (Complication("SIR", "A"),) * 2)
        found = safety(patient(9, sessions=(twice, Session("S2", 0.0))), patient(9)).sessions_with_complications
        assert (found.count, found.total) == (1, 3)
        assert found.cluster_adjusted is not None
        assert found.cluster_adjusted.clusters == 2

    def test_there_may_be_none(self) -> None:
        assert safety(patient(9)).complications == {}

    def test_as_asked_for(self) -> None:
        found = describe_safety(cohort(patient(9)), 30, 0.9, "jeffreys")
        expected = estimate_proportion(0, 1, confidence_level=0.9, interval="jeffreys")
        proportions = (found.periprocedural_deaths, found.sessions_with_complications)
        assert [(one.interval, one.upper) for one in proportions] == [("jeffreys", expected.upper)] * 2
