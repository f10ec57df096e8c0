"""What the documents claim is there."""

import re
import sys
from pathlib import Path

import pytest

from storage_core.model.items import REASONS, ReasonCode

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")
MAKE = re.compile(r"^\s*make ([a-z-]+)", re.MULTILINE)
COMMAND = re.compile(
    r"^\s*(?:\$ )?(?:\.venv/bin/)?synapse-storage ([a-z][a-z0-9-]*)(?: ([a-z][a-z0-9-]*))?", re.MULTILINE
)
BLOCK = re.compile(r"^```(?:\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def documents(repository: Path) -> list[Path]:
    return [*repository.glob("*.md"), *(repository / "docs").rglob("*.md"), *(repository / "deployments").glob("*.md")]


def code_of(path: Path) -> str:
    return "\n".join(BLOCK.findall(path.read_text()))


def test_every_local_link_leads_somewhere(repository: Path) -> None:
    broken = []
    for document in documents(repository):
        for found in LINK.findall(BLOCK.sub("", document.read_text())):
            target = next(filter(None, found)).split("#")[0]
            elsewhere = "://" in target or target.startswith("mailto:")
            if target and not elsewhere and not (document.parent / target).exists():
                broken.append(f"{document.relative_to(repository)}: {target}")

    assert [] == broken


def test_every_anchor_names_a_heading(repository: Path) -> None:
    missing = []
    for document in documents(repository):
        for found in LINK.findall(BLOCK.sub("", document.read_text())):
            target, _, anchor = next(filter(None, found)).partition("#")
            if anchor and "://" not in target:
                page = document.parent / target if target else document
                if page.suffix == ".md" and anchor not in headings(page):
                    missing.append(f"{document.relative_to(repository)}: {target}#{anchor}")

    assert [] == missing


def headings(page: Path) -> set[str]:
    """Anchors as the usual renderers make them."""
    titles = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_every_make_target_of_the_documents_exists(repository: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(), re.MULTILINE))

    for document in documents(repository):
        assert set() == set(MAKE.findall(code_of(document))) - targets, document.name


def test_every_command_of_the_documents_exists(repository: Path) -> None:
    """Code blocks name only commands, and commands of groups, that the command line has."""
    main = pytest.importorskip("storage_core.cli.main", reason="no command line yet")
    import typer.core
    import typer.main

    root = typer.main.get_command(main.app)
    assert isinstance(root, typer.core.TyperGroup)
    known = {name: set(getattr(command, "commands", {})) for name, command in root.commands.items()}
    unknown = []
    for document in documents(repository):
        for name, below in COMMAND.findall(code_of(document)):
            if name not in known or (known[name] and below and below not in known[name]):
                unknown.append(f"{document.relative_to(repository)}: {name} {below}".rstrip())

    assert [] == unknown


@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_code_has_a_sentence(code: ReasonCode) -> None:
    """A steward reads the sentence, not the code."""
    sentence = REASONS[code].sentence

    assert sentence.endswith(".")
    assert sentence[0].isupper()


def test_the_page_of_reasons_is_the_one_the_code_gives(repository: Path) -> None:
    """Change REASONS, then run `python -m tests.architecture.reasons_page` (from the checkout)."""
    sys.path.insert(0, str(Path(__file__).parent))
    try:
        from reasons_page import page
    finally:
        sys.path.pop(0)

    assert page() == (repository / "docs" / "reasons.md").read_text()


def test_every_decision_has_its_four_parts(repository: Path) -> None:
    """Date, context, choice, what would change our mind; numbered without a gap or a double."""
    decisions = sorted((repository / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [int(path.name[:4]) for path in decisions]

    assert len(set(numbers)) == len(numbers)
    for path in decisions:
        text = path.read_text()
        assert re.search(r"^Date: \d{4}-\d\d-\d\d$", text, re.MULTILINE), path.name
        assert {"Context", "Choice", "What would change our mind"} <= set(re.findall(r"^## (.+)$", text, re.MULTILINE))
