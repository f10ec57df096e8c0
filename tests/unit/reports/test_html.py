"""The page: self-contained, well-formed, and nobody's name can become markup."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from storage_core.errors import ExitCode
from storage_core.reports.figures import FAILURES_SHOWN, read_figures
from storage_core.reports.html.charts import Slice, share_bar
from storage_core.reports.html.markup import tag, text
from storage_core.reports.html.page import page, write_html
from storage_core.reports.report import RunFacts

FACTS = RunFacts(
    made_at=datetime(2026, 3, 2, tzinfo=UTC), exit_code=ExitCode.SOME_FAILED, plan_hash="3f2a9c", calls=4312
)
VOID = {"meta", "br", "hr", "link", "img", "input"}


class Outline(HTMLParser):
    """Collects elements and words; complains about elements that are not closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes)))
        if name not in VOID:
            self.open.append(name)

    def handle_endtag(self, name: str) -> None:
        assert self.open.pop() == name

    def handle_data(self, words: str) -> None:
        self.words.append(words)


def _read(markup: str) -> Outline:
    outline = Outline()
    outline.feed(markup)
    outline.close()
    assert outline.open == []
    return outline


def test_the_page_is_well_formed_and_complete(mixed: Any) -> None:
    outline = _read(page(read_figures(mixed), FACTS))
    words = " ".join(outline.words)
    for expected in (
        "Migration of syn100 to storage location 54321",
        "Not complete: 1 item failed, 1 item drifted, 1 item waiting.",
        "4,312",
        "1: finished, some items failed, drifted or unproven",
        "part-etag",
        "S3_FAULT",
        "SlowDown, 7 tries",
        "3f2a9c by ann",
    ):
        assert expected in words


def test_a_name_with_markup_is_shown_and_not_obeyed(mixed: Any) -> None:
    outline = _read(page(read_figures(mixed), FACTS))
    assert "<script>alert(1)</script>.csv" in outline.words
    assert "script" not in {name for name, _ in outline.elements}


def test_the_page_loads_runs_and_sends_nothing(mixed: Any) -> None:
    outline = _read(page(read_figures(mixed), FACTS))
    names = {name for name, _ in outline.elements}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    attributes = [(key, value) for _, found in outline.elements for key, value in found.items()]
    assert not [key for key, _ in attributes if key.startswith("on") or key in {"src", "style"}]
    assert all((value or "").startswith("#") for key, value in attributes if key == "href")
    policies = [value for key, value in attributes if key == "content" and "default-src" in (value or "")]
    assert policies
    assert "default-src 'none'" in str(policies[0])
    assert not re.search(r"url\(|@import", page(read_figures(mixed), FACTS))


def test_pictures_speak_to_screen_readers(mixed: Any) -> None:
    outline = _read(page(read_figures(mixed), FACTS))
    drawings = [attributes for name, attributes in outline.elements if name == "svg"]
    assert len(drawings) >= 3
    assert all(drawing.get("aria-hidden") == "true" or drawing.get("aria-label") for drawing in drawings)
    tables = sum(name == "table" for name, _ in outline.elements)
    assert tables == sum(name == "caption" for name, _ in outline.elements) > 0


def test_an_empty_index_gives_a_page_too(empty: Any) -> None:
    words = _read(page(read_figures(empty), RunFacts(made_at=FACTS.made_at))).words
    assert "Nothing needs migrating." in words


def test_many_failures_point_to_the_complete_list(empty: Any, file_facts: Any) -> None:
    for number in range(FAILURES_SHOWN + 1):
        empty.add(**file_facts(number, status="ERRORED", reason="S3_FAULT"))
    facts = RunFacts(made_at=FACTS.made_at, see_also="my.csv")
    words = " ".join(_read(page(read_figures(empty), facts)).words)
    assert "The first 1,000 of 1,001; my.csv has all of them." in words


def test_the_page_is_written_whole(mixed: Any, tmp_path: Path) -> None:
    write_html(mixed, tmp_path / "report.html", FACTS)
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [tmp_path / "report.html"] == list(tmp_path.iterdir())


@given(st.text(), st.text())
def test_any_text_survives_as_text_only(inside: str, attribute: str) -> None:
    """Whatever the text, the parser finds one element with one attribute and no other markup."""
    outline = _read(tag("p", inside, title=attribute))
    assert [("p", {"title"})] == [(name, set(found)) for name, found in outline.elements]


@given(st.text(st.characters(categories=["Cc", "Cs"]), min_size=1))
def test_control_characters_never_reach_the_page(inside: str) -> None:
    assert "\ufffd" * len(inside) == text(inside)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=7))
def test_shares_fill_the_bar_and_none_vanishes(sizes: list[int]) -> None:
    bar = share_bar("shares", [Slice(class_name="f1", size=size, title="t") for size in sizes])
    widths = [float(width) for width in re.findall(r'width="([\d.]+)"', bar)]
    assert max(1, sum(size > 0 for size in sizes)) == len(widths)
    assert min(widths) >= 3.9
    assert abs(sum(widths) - 960) < 1
