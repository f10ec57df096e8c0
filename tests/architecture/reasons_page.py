"""Writes docs/reasons.md from the code; a test compares the two."""

from pathlib import Path

from storage_core.model.items import REASONS, ReasonClass, ReasonCode

HEAD = """# Reason codes

Every item that is not migrated carries one of these codes, in the index, in every export and in the report.
`synapse-storage why` prints the sentence together with the details of the item at hand.

This page is generated from `REASONS` in `storage_core/model/items.py`; a test keeps the two the same.
"""

CLASSES = {
    ReasonClass.RETRYABLE: "A later run may succeed without anybody doing anything: "
    "`synapse-storage migrate ... --retry-errors`.",
    ReasonClass.NEEDS_A_PERSON: "Somebody has to change or decide something first; the sentence says what.",
    ReasonClass.NEVER_WORKS: "Repeating it gives the same answer; it is reported and left as it is.",
}


def page() -> str:
    """The text of docs/reasons.md."""
    parts = [HEAD]
    for kind, meaning in CLASSES.items():
        rows = [f"| `{code}` | {REASONS[code].sentence} |" for code in ReasonCode if REASONS[code].kind is kind]
        parts.append(
            "\n".join([f"## {kind.capitalize()}\n", f"{meaning}\n", "| Code | Means |", "|---|---|", *rows, ""])
        )
    return "\n".join(parts)


if __name__ == "__main__":
    target = Path(__file__).parents[2] / "docs" / "reasons.md"
    target.write_text(page())
