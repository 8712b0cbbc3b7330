"""Markdown and HTML say the same, load nothing, and no name can be markup in them."""

import re
from base64 import b64decode
from html.parser import HTMLParser

import pytest

from app.cohort.groupings import Grouping
from app.cohort.outcomes import Outcomes, summarize_outcomes
from app.rendering.html_report import CONTENT_SECURITY_POLICY, html
from app.rendering.markdown_report import escaped, markdown
from tests.cohort.builders import BY_DIAMETER, MANY, cohort, options, patient
from tests.rendering.reports import read_html, read_markdown, report_of
from tests.rendering.test_report import LANDMARKS
from tests.svg import Picture

HOSTILE = [
    "<script>alert(1)</script>",
    "</style></title><img src=x onerror=alert(1)>",
    "a|b||c",
    "`code` ``` ~~~ ~~gone~~",
    "line\nbreak\r\n\r\n# heading\n- list\n| a | b |",
    "\u202eturned\u2066 round",
    "*bold* _em_ **strong** [link](javascript:alert(1)) ![image](http://example.com/x.png)",
    "http://example.com www.example.com a@example.com",
    "&lt;b&gt; &#60; &copy",
    "back\\slash \\",
    "\"quoted\" 'too'",
    "# heading #",
    "- item",
    "1. item",
    "=== ---",
    "> quote",
    "]]> --> <!-- <?x ?>",
    "a\x00\x1b\ud83d\ufffeb",
    "$x$ {{ x }} {% x %}",
    "مجموعة א",
]


def outcomes_of(name: str) -> Outcomes:
    """Return outcomes in which a group and a grouping have the name."""
    rows = cohort(*(patient(9 + place, covariates={"arm": arm}) for place, arm in enumerate((name, "other"))))
    return summarize_outcomes(rows, options("r", Grouping(name, "patient", "covariates.arm"), survival=LANDMARKS))


def plain(text: str) -> str:
    """Return a name as it may be shown: in one line, without what no document can have or what turns others round."""
    return " ".join(re.sub("[\x00\x1b\ud83d\ufffe]", " ", re.sub("[\u202e\u2066]", "", text)).split())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_shown_as_it_is_and_nothing_else(name: str) -> None:
    tame, wild = report_of(outcomes_of("tame"), "tame"), report_of(outcomes_of(name), name)
    for written, read in ((html, read_html), (markdown, read_markdown)):
        usual, found = read(written(tame)), read(written(wild))
        assert found.tags == usual.tags
        assert [level for level, _ in found.headings] == [level for level, _ in usual.headings]
        assert found.headings[0][1] == plain(name)
        assert [len(row) for row in found.rows] == [len(row) for row in usual.rows]
        assert any(plain(name) in row[0] for row in found.rows)
        assert len(found.texts) == len(usual.texts)
        assert any(plain(name) in text for text in found.texts)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_long_name_begins_a_paragraph_and_is_nothing_else(name: str) -> None:
    long = f"{name} {'x ' * 80}"
    report = report_of(outcomes_of("tame"), long)
    for found in (read_html(html(report)), read_markdown(markdown(report))):
        assert found.texts[0] == plain(long)


@pytest.mark.parametrize("name", ["a|b", "||", "\\|", "|\\"])
def test_a_bar_in_a_name_ends_no_cell(name: str) -> None:
    line = next(
        line for line in markdown(report_of(outcomes_of(name))).splitlines() if line.startswith(f"| {escaped(name)}")
    )
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 5


def test_markdown_and_html_say_the_same() -> None:
    report = report_of(summarize_outcomes(MANY, options("r", BY_DIAMETER, survival=LANDMARKS)), drawn=True)
    one, other = read_html(html(report)), read_markdown(markdown(report))
    assert one.headings == other.headings
    assert one.captions == other.captions
    assert one.rows == other.rows
    unbracketed = [re.sub(r"\((\w+)\)", r"\1", text) for text in one.texts]
    assert unbracketed == [re.sub(r"\((\w+)\)", r"\1", text) for text in other.texts]


class Balanced(HTMLParser):
    """Reads HTML as browsers do; every element must be closed where XML would close it."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"meta", "img"}
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_html_file_loads_and_runs_nothing() -> None:
    report = report_of(summarize_outcomes(MANY, options("r", BY_DIAMETER)), drawn=True)
    text = html(report)
    assert not re.search(r"https?:|//[a-z]|<script|<link|<iframe|<object|@import|url\(", text, re.IGNORECASE)
    reader = Balanced()
    reader.feed(text)
    assert reader.open == []
    loads = [(tag, name, value) for tag, name, value in reader.attributes if name in {"src", "href", "style"}]
    assert {(tag, name, (value or "")[:5]) for tag, name, value in loads} == {
        ("a", "href", "#sect"),
        ("img", "src", "data:"),
    }
    assert not any(name.startswith("on") for _, name, _ in reader.attributes)
    assert ("meta", "content", CONTENT_SECURITY_POLICY) in reader.attributes
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'; style-src 'sha256-")


def test_links_lead_to_sections() -> None:
    text = html(report_of(summarize_outcomes(MANY, options())))
    assert re.findall('href="#([^"]+)"', text) == re.findall('id="([^"]+)"', text)


def test_a_table_says_what_heads_what() -> None:
    text = html(report_of(summarize_outcomes(MANY, options("r", BY_DIAMETER))))
    tables = re.findall("<table>.*?</table>", text, re.DOTALL)
    assert tables
    for table in tables:
        assert table.count("<caption>") == 1
        assert 'scope="col"' in table
        assert table.count('scope="row"') + table.count('scope="rowgroup"') == table.count("<tr>") - 1


def test_a_figure_is_an_image_with_its_description() -> None:
    report = report_of(summarize_outcomes(MANY, options("r", BY_DIAMETER)), drawn=True)
    images = re.findall('<img alt="([^"]+)" src="data:image/svg\\+xml;base64,([^"]+)"/>', html(report))
    assert len(images) == 3
    for description, data in images:
        picture = Picture(b64decode(data))
        assert picture.child("desc") == description.replace("&gt;", ">").replace("&#x27;", "'").replace("\xa0", " ")
        assert "At risk" in picture.texts()


def test_a_long_table_may_break_between_pages() -> None:
    landmarks = {"landmarks": tuple(range(40))}
    text = html(report_of(summarize_outcomes(MANY, options(survival=landmarks))))
    assert text.count('<div class="table long">') == 2


def test_the_same_report_is_the_same_bytes() -> None:
    reports = [report_of(summarize_outcomes(MANY, options("r", BY_DIAMETER)), drawn=True) for _ in range(2)]
    assert html(reports[0]) == html(reports[1])
    assert markdown(reports[0]) == markdown(reports[1])
