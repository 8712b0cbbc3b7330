"""Reports for the tests: written from outcomes, and read back from HTML and from Markdown."""

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from markdown_it import MarkdownIt

from app.cohort.outcomes import Outcomes
from app.rendering.document import Document
from app.rendering.report import Provenance, outcome_report

LABEL = re.compile(r"(Table|Figure) \d+\. ")


def report_of(outcomes: Outcomes, name: str = "A cohort", *, drawn: bool = False) -> Document:
    """Return the report of outcomes."""
    return outcome_report(outcomes, Provenance(name, "atrisk 0", "0" * 64), drawn=drawn)


@dataclass(frozen=True)
class Read:
    """What a report says: its headings with their levels, captions with labels, rows of tables, and other texts."""

    tags: set[str]
    headings: list[tuple[int, str]]
    captions: list[str]
    rows: list[list[str]]
    texts: list[str]

    def row(self, *start: str) -> list[str]:
        """Return the first row that begins like this."""
        return next(row for row in self.rows if row[: len(start)] == list(start))


def read_html(text: str) -> Read:
    """Read a report back from HTML, which must be XML as well; the marks of notes are set in brackets."""
    root = ET.fromstring(text)  # noqa: S314 - it is our own
    for mark in root.iter("sup"):
        mark.text = f"({mark.text})"
    body = root.find("body/main")
    assert body is not None
    return _read(body)


def read_markdown(text: str) -> Read:
    """Read a report back from Markdown, as a reader of CommonMark with tables has it: HTML in it would be HTML."""
    reader = MarkdownIt("commonmark", {"html": True, "xhtmlOut": True}).enable(["table", "strikethrough"])
    return _read(ET.fromstring(f"<main>{reader.render(text)}</main>"))  # noqa: S314 - it is our own


def _read(body: ET.Element) -> Read:
    elements = list(body.iter())
    texts = [_text(one) for one in elements if one.tag in {"p", "li"} and one.find("a") is None]
    named = [_text(one) for one in elements if one.tag in {"caption", "figcaption", "strong"}]
    rows = [[_text(cell) for cell in row] for row in body.iter("tr")]
    return Read(
        {one.tag for one in elements},
        [(int(one.tag[1]), _text(one)) for one in elements if re.fullmatch(r"h\d", one.tag)],
        [caption for caption in named if LABEL.match(caption)],
        [_without_empty_end(row) for row in rows],
        [text for text in texts if not LABEL.match(text)],
    )


def _without_empty_end(row: list[str]) -> list[str]:
    """Return a row without what fills it up: Markdown has no cell across columns."""
    return row[: max((place for place, text in enumerate(row, 1) if text), default=0)]


def _text(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())
