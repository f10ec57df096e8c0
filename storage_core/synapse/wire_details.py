"""Annotations and provenance of a file: JSON and records (contract 6.4)."""

from collections.abc import Iterator

from storage_core.model.trees import Annotation, AnnotationType, FileDetails, Provenance
from storage_core.synapse.calls import Answer, JsonObject
from storage_core.synapse.wire_entities import file_bundle_request, read_file
from storage_core.synapse.wire_fields import Fields


def details_request() -> JsonObject:
    """Ask for all of it in one bundle."""
    return file_bundle_request() | {"includeAnnotations": True}


def read_details(answer: Answer) -> FileDetails:
    """Read the newest version."""
    bundle = Fields.of(answer)
    annotations = bundle.optional_inner("annotations")
    inner = None if annotations is None else annotations.optional_inner("annotations")
    activity = bundle.optional_inner("activity")
    return FileDetails(
        snapshot=read_file(answer, asked_for_latest=True),
        annotations=() if inner is None else tuple(_annotations(inner)),
        provenance=Provenance() if activity is None else _provenance(activity),
    )


def _annotations(fields: Fields) -> Iterator[Annotation]:
    for name in sorted(fields.raw):
        one = fields.inner(name)
        kind = one.optional_text("type") or ""
        values = tuple(text for text in one.optional_texts("value") if text is not None)
        # a type we do not know is shown as it is written
        known = AnnotationType(kind) if kind in set(AnnotationType) else AnnotationType.STRING
        yield Annotation(name=name, type=known, values=values)


def _provenance(fields: Fields) -> Provenance:
    references = [(one.flag("wasExecuted"), _reference(one)) for one in fields.inners("used")]
    return Provenance(
        name=fields.optional_text("name") or "",
        description=fields.optional_text("description") or "",
        used=tuple(text for was_executed, text in references if text and not was_executed),
        executed=tuple(text for was_executed, text in references if text and was_executed),
    )


def _reference(fields: Fields) -> str:
    entity = fields.optional_inner("reference")
    if entity is None:
        return fields.optional_text("name") or fields.optional_text("url") or ""
    version = entity.optional_whole("targetVersionNumber")
    target = entity.optional_id("targetId") or ""
    return target if version is None else f"{target}.{version}"
