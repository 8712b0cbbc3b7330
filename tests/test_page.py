"""The page under `/`, in a browser: what a person does with it, and what it keeps to itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from app.main import create_app
from app.settings import Settings
from tests.browser import CHROMIUM, listening

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

SAMPLE = "time,event,group\n5,1,new\n8,0,new\n12,1,new\n15,1,new\n2,1,old\n4,1,old\n4,1,old\n9,0,old\n"
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with listening(create_app(Settings(log_level="warning"))) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """The page as it is opened, with all that it asked for and complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(10_000)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))

    def analyse(self, sample: str) -> None:
        """Paste a sample, and have it analysed."""
        self.page.get_by_label("Sample, as CSV").fill(sample)
        self.page.get_by_role("button", name="Analyse").click()

    def table(self) -> list[list[str]]:
        """Return the cells of the table that is shown, by row."""
        self.page.locator("#result").wait_for()
        return [row.locator("th, td").all_text_contents() for row in self.page.locator("tbody tr").all()]

    def is_drawn(self, selector: str) -> bool:
        """Return whether an image has loaded, once it has been tried."""
        self.page.locator(selector).scroll_into_view_if_needed()
        loaded = "async image => { await image.decode(); return image.complete && image.naturalWidth > 300; }"
        return bool(self.page.locator(selector).evaluate(loaded))


@pytest.fixture
def visit(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Open the page, with the options of a browser context that the test is parametrised with."""
    context = browser.new_context(base_url=address, **getattr(request, "param", {}))
    visit = Visit(context.new_page())
    visit.page.goto("/")
    yield visit
    context.close()


def asked_as_json(address: str, unit: str) -> list[str]:
    """Return the median of each group, as the page is to show it, of the answer to the sample as JSON."""
    times, events, groups = zip(*(line.split(",") for line in SAMPLE.split()[1:]), strict=True)
    subjects = {"time": [*map(float, times)], "event": [*map(int, events)], "group": groups}
    answer = httpx.post(f"{address}/v1/survival", json={"subjects": subjects, "time_unit": unit}).json()
    return [interval(**group["median"]) for group in answer["groups"]]


def interval(*, estimate: float, lower: float, upper: float | None, **_others: object) -> str:
    return f"{estimate:g} ({lower:g} to {'not reached' if upper is None else f'{upper:g}'})"


class TestByKeyboard:
    def test_a_pasted_sample_is_analysed_without_a_mouse(self, visit: Visit, address: str) -> None:
        """And no request leaves the host."""
        keyboard = visit.page.keyboard
        focused = "document.activeElement.id || document.activeElement.textContent.trim()"
        order = []
        for _ in range(9):
            keyboard.press("Tab")
            order.append(visit.page.evaluate(focused))
            if order[-1] == "unit":
                keyboard.type("weeks")
            if order[-1] == "csv":
                keyboard.insert_text(SAMPLE)
            if order[-1] == "Analyse":
                keyboard.press("Enter")
                break
        assert order[-4:] == ["resource", "unit", "csv", "Analyse"]
        rows = visit.table()
        assert [row[:2] for row in rows] == [["new", "3 / 4"], ["old", "3 / 4"], ["All", "6 / 8"]]
        assert [row[2] for row in rows[:2]] == asked_as_json(address, "weeks")
        assert visit.page.locator("caption").text_content() == "Time to the event, in weeks"
        assert "Log-rank test: P = " in visit.page.locator("#tests").inner_text()
        assert visit.is_drawn("#figure")
        assert rows[0][2] in (visit.page.locator("#figure").get_attribute("alt") or "")
        assert visit.page.locator("[aria-live]").inner_text().startswith("Done: 8 subjects.")
        assert len(visit.requests) > 5
        assert {url for url in visit.requests if not url.startswith((address, f"blob:{address}", "data:"))} == set()
        assert visit.complaints == []

    def test_what_has_the_focus_is_seen(self, visit: Visit) -> None:
        style = "getComputedStyle(document.activeElement).outlineStyle"
        for _ in range(7):
            visit.page.keyboard.press("Tab")
            assert visit.page.evaluate(style) == "solid"


class TestAnswers:
    def test_examples_fill_the_form(self, visit: Visit) -> None:
        visit.page.get_by_label("Time unit").select_option("years")
        visit.page.get_by_label("What to plot").select_option("competing-risks")
        visit.page.get_by_role("button", name="Fill in an example").click()
        visit.page.locator("#csv:focus").wait_for()
        visit.page.get_by_role("button", name="Analyse").click()
        rows = visit.table()
        assert [row[:3] for row in rows][:2] == [["A", "relapse", "2 / 6"], ["A", "death", "2 / 6"]]
        assert "months" in visit.page.locator("caption").inner_text()
        assert visit.page.locator("#tests li").count() == 2
        assert visit.is_drawn("#figure")
        assert visit.complaints == []

    def test_the_report_of_the_example_cohort_opens(self, visit: Visit) -> None:
        """In its own policy, too, its figures and styles work."""
        visit.page.get_by_role("link", name="An example report").click()
        visit.page.locator("h2").first.wait_for()
        assert visit.is_drawn("img >> nth=0")
        assert visit.complaints == []

    def test_a_wrong_sample_is_refused_by_column_and_row(self, visit: Visit) -> None:
        visit.analyse(SAMPLE)
        visit.table()
        visit.analyse("time,event,colour\n5,1,red\n-3,maybe,blue\n")
        visit.page.locator("#message.fault").wait_for()
        faults = visit.page.locator("#message li").all_inner_texts()
        assert faults == [
            "Row 2, time must be at least 0.0",
            "Row 2, event must be true, false, 1 or 0",
            "Column colour is not a known field",
        ]
        assert not visit.page.locator("#result").is_visible()
        assert visit.page.get_by_label("Sample, as CSV").get_attribute("aria-invalid") == "true"
        visit.analyse(SAMPLE)
        visit.table()
        assert visit.page.get_by_label("Sample, as CSV").get_attribute("aria-invalid") is None
        assert not visit.page.locator("#message.fault").is_visible()

    def test_a_text_that_is_no_table_is_refused(self, visit: Visit) -> None:
        visit.analyse("time,event\n5\n")
        fault = visit.page.locator("#message li")
        fault.wait_for()
        assert fault.inner_text() == "The table has more or fewer cells than the header in row 1 below it"

    def test_labels_are_text_whatever_they_hold(self, visit: Visit) -> None:
        visit.analyse(SAMPLE.replace("new", MARKUP).replace("old", "</title><script>alert(2)</script>"))
        assert visit.table()[0][0] == MARKUP
        assert visit.is_drawn("#figure")
        assert MARKUP in (visit.page.locator("#figure").get_attribute("alt") or "")
        assert visit.page.locator("#result img").count() == 1
        assert visit.complaints == []

    def test_a_service_that_is_gone_is_told_of(self, visit: Visit) -> None:
        visit.page.route("**/v1/**", lambda route: route.abort())
        visit.analyse(SAMPLE)
        visit.page.get_by_text("The service did not answer").wait_for()


LOOKS = [
    {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    for width, scheme in [(320, "dark"), (360, "light"), (1200, "light")]
]


class TestLook:
    @pytest.mark.parametrize("visit", LOOKS, indirect=True)
    def test_the_page_fits_and_words_stand_out(self, visit: Visit) -> None:
        """Wide tables scroll in themselves; contrast is that of WCAG 2.2, level AA."""
        visit.analyse(SAMPLE.replace("new", "A label of a hundred letters and no more " + 59 * "m"))
        visit.table()
        assert visit.is_drawn("#figure")
        assert visit.is_drawn("picture >> nth=0 >> img")
        assert visit.page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
        assert visit.page.locator("#figure").evaluate("image => image.naturalWidth / image.width") < 1.15
        for selector in ("body", "a >> nth=0", ".privacy", "button >> nth=0", "textarea", "thead th >> nth=0"):
            assert contrast(visit.page, selector) >= 4.5, selector
        visit.analyse("time")
        visit.page.locator("#message strong").wait_for()
        assert contrast(visit.page, "#message strong") >= 4.5

    @pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True)
    def test_without_scripts_a_command_is_shown_instead_of_the_form(self, visit: Visit) -> None:
        assert not visit.page.locator("form").is_visible()
        assert "curl -s $host/v1/survival" in visit.page.locator("pre").inner_text()


def contrast(page: Page, selector: str) -> float:
    """Return the contrast of an element's letters with what is behind them."""
    colours = """element => {
      const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number);
      let behind = element;
      while (numbers(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
      return [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(numbers);
    }"""
    first, second = map(luminance, page.locator(selector).evaluate(colours))
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)


def luminance(colour: list[float]) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    shares = [value / 255 for value in colour[:3]]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
