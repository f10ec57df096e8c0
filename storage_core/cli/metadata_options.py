"""Options that say what an uploaded file says about itself: annotations and provenance."""

from collections.abc import Sequence
from typing import Annotated

import typer

from storage_core.errors import UsageError
from storage_core.model.trees import AnnotationText, WantedMetadata, WantedProvenance
from storage_core.plan.annotating import annotation_of, check_name
from storage_core.plan.provenance import parse_references

AnnotationOption = Annotated[
    list[str] | None,
    typer.Option(
        "--annotation", metavar="NAME=VALUE", help="One annotation; VALUE may be [a,b]. Repeatable.", show_default=False
    ),
]
UsedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--used", metavar="REF", help="What it was made from: syn1, syn1.2, URL. Repeatable.", show_default=False
    ),
]
ExecutedOption = Annotated[
    list[str] | None,
    typer.Option("--executed", metavar="REF", help="What made it: syn1, syn1.2, URL. Repeatable.", show_default=False),
]
ActivityNameOption = Annotated[
    str | None, typer.Option("--activity-name", help="Name of the step that made it.", show_default=False)
]
ActivityDescriptionOption = Annotated[
    str | None, typer.Option("--activity-description", help="What that step does.", show_default=False)
]


def metadata_of(
    *,
    annotations: Sequence[str] | None,
    used: Sequence[str] | None,
    executed: Sequence[str] | None,
    activity_name: str | None,
    activity_description: str | None,
) -> WantedMetadata:
    """What the options say.

    Raises:
        UsageError: an annotation is none.
    """
    provenance = WantedProvenance(
        name=activity_name or "",
        description=activity_description or "",
        used=parse_references(";".join(used or ())),
        executed=parse_references(";".join(executed or ())),
    )
    return WantedMetadata(
        annotations=tuple(_annotation(one) for one in annotations or ()),
        provenance=None if provenance == WantedProvenance() else provenance,
    )


def _annotation(text: str) -> AnnotationText:
    name, equals, value = text.partition("=")
    if not equals or not value.strip():
        raise UsageError(f"{text!r} is no annotation.", fix="Write --annotation name=value.")
    wanted = AnnotationText(name=check_name(name.strip()), text=value)
    annotation_of(wanted)  # what it cannot be is said now
    return wanted
