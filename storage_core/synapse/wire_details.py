"""Annotations and provenance of a file: JSON and records (contract 6.4)."""

from collections.abc import Iterator, Sequence

from storage_core.model.ids import ActivityId, EntityId
from storage_core.model.trees import (
    Annotation,
    AnnotationType,
    FileDetails,
    Provenance,
    Reference,
    UsedAddress,
    UsedEntity,
)
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


def annotations_body(entity_id: EntityId, etag: str, annotations: Sequence[Annotation]) -> JsonObject:
    """All annotations that the entity shall have; the others go."""
    typed: JsonObject = {
        one.name: {"type": one.unknown_type or one.type.value, "value": list(one.values)} for one in annotations
    }
    return {"id": entity_id, "etag": etag, "annotations": typed}


def activity_body(provenance: Provenance) -> JsonObject:
    """Describe how something came about."""
    used = [_used(one, was_executed=False) for one in provenance.used]
    executed = [_used(one, was_executed=True) for one in provenance.executed]
    body: JsonObject = {"used": used + executed}
    if provenance.name:
        body["name"] = provenance.name
    if provenance.description:
        body["description"] = provenance.description
    return body


def read_activity_id(answer: Answer) -> ActivityId:
    """Read which activity was made."""
    return ActivityId(Fields.of(answer).id("id"))


def headers_request(references: Sequence[UsedEntity]) -> JsonObject:
    """Ask for headers of entities, or of versions of them."""
    return {"references": [_target(one) for one in references]}


_USED = "org.sagebionetworks.repo.model.provenance."


def _used(reference: Reference, *, was_executed: bool) -> JsonObject:
    if isinstance(reference, UsedEntity):
        return {
            "concreteType": f"{_USED}UsedEntity",
            "wasExecuted": was_executed,
            "reference": _target(reference),
        }
    return {
        "concreteType": f"{_USED}UsedURL",
        "wasExecuted": was_executed,
        "url": reference.url,
        "name": reference.name or reference.url,
    }


def _target(reference: UsedEntity) -> JsonObject:
    target: JsonObject = {"targetId": reference.entity_id}
    return target if reference.version is None else target | {"targetVersionNumber": reference.version}


def _annotations(fields: Fields) -> Iterator[Annotation]:
    for name in sorted(fields.raw):
        one = fields.inner(name)
        kind = one.optional_text("type") or ""
        values = tuple(text for text in one.optional_texts("value") if text is not None)
        if kind in set(AnnotationType):
            yield Annotation(name=name, type=AnnotationType(kind), values=values)
        else:
            # shown as it is written, and written as it came
            yield Annotation(name=name, type=AnnotationType.STRING, values=values, unknown_type=kind)


def _provenance(fields: Fields) -> Provenance:
    references = [(one.flag("wasExecuted"), _reference(one)) for one in fields.inners("used")]
    return Provenance(
        name=fields.optional_text("name") or "",
        description=fields.optional_text("description") or "",
        used=tuple(found for was_executed, found in references if found is not None and not was_executed),
        executed=tuple(found for was_executed, found in references if found is not None and was_executed),
    )


def _reference(fields: Fields) -> Reference | None:
    entity = fields.optional_inner("reference")
    if entity is not None:
        target = entity.optional_id("targetId")
        # some answers spell ids without their letters
        entity_id = target if target is None or target.startswith("syn") else f"syn{target}"
        version = entity.optional_whole("targetVersionNumber")
        return UsedEntity(entity_id=EntityId(entity_id), version=version) if entity_id else None
    url, name = fields.optional_text("url") or "", fields.optional_text("name") or ""
    return UsedAddress(url=url, name=name) if url or name else None
