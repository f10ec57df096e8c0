"""The whole page."""

from pathlib import Path

from storage_core.ports.queries import Queries
from storage_core.reports.atomic import replacing
from storage_core.reports.figures import Figures, read_figures
from storage_core.reports.html.markup import Markup, joined, tag
from storage_core.reports.html.sections import (
    copies_section,
    facts_section,
    failures_section,
    locations_section,
    proofs_section,
    reasons_section,
    settings_section,
    status_section,
    timeline_section,
)
from storage_core.reports.html.style import STYLE
from storage_core.reports.report import Report, RunFacts
from storage_core.reports.verdict import Mood, Verdict, verdict_of

_MARKS = {Mood.GOOD: "✓", Mood.UNFINISHED: "…", Mood.ATTENTION: "!"}

# A second lock behind the escaping: nothing in this file may run, load or be sent anywhere.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(figures: Figures, facts: RunFacts) -> str:
    """The report as one self-contained HTML document."""
    title = f"Migration of {', '.join(figures.settings.roots)} to storage location {figures.settings.destination}"
    head = tag(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        Markup('<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">'),
        tag("title", title),
        tag("style", STYLE),
    )
    body = tag(
        "body",
        tag("a", "Skip to the figures", href="#figures", class_="skip"),
        tag("header", tag("p", "Synapse Storage · migration report", class_="kicker"), tag("h1", title)),
        tag("main", _verdict(verdict_of(figures)), _sections(figures, facts), id="figures"),
        tag(
            "footer",
            tag(
                "p",
                "Every line of this report comes from the migration's index file. The CSV log and the Parquet export"
                " list every item with its file handles, MD5 and proof, so that each figure can be recomputed.",
            ),
        ),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _sections(figures: Figures, facts: RunFacts) -> Markup:
    return joined(
        facts_section(figures, facts),
        status_section(figures),
        locations_section(figures),
        proofs_section(figures),
        reasons_section(figures),
        failures_section(figures, facts),
        copies_section(figures),
        timeline_section(figures),
        settings_section(figures),
    )


def _verdict(verdict: Verdict) -> Markup:
    return tag(
        "p",
        tag("span", _MARKS[verdict.mood], aria_hidden="true"),
        tag("span", verdict.sentence),
        class_=f"verdict {verdict.mood}",
        role="status",
    )


def write_html(queries: Queries, path: Path, facts: RunFacts) -> None:
    """Write the page to *path*, atomically."""
    with replacing(path) as file:
        file.write(page(read_figures(queries), facts))


HTML_REPORT = Report(
    name="html",
    suffix=".html",
    purpose="The report for people and auditors: verdict, proofs, reasons, before and after, in one file that needs"
    " nothing else.",
    write=write_html,
)
