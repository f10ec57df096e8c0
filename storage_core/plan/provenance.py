"""How a file came about: references as people write them, and whether Synapse says so already."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from storage_core.errors import UsageError
from storage_core.model.ids import EntityId
from storage_core.model.trees import (
    Provenance,
    Reference,
    UsedAddress,
    UsedEntity,
    UsedFile,
    UsedName,
    WantedProvenance,
    WantedReference,
)

_ENTITY = re.compile(r"syn(\d{1,18})(?:\.(\d{1,9}))?", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether it is an address; a drive letter begins none."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    if parts.scheme == "file":
        return bool(parts.path)
    return len(parts.scheme) > 1 and bool(parts.netloc)


def parse_reference(text: str) -> WantedReference:
    """``syn12``, ``syn12.3``, an address; anything else is, for now, a file of this machine."""
    entity = _ENTITY.fullmatch(text)
    if entity is not None:
        return UsedEntity(entity_id=EntityId(f"syn{entity[1]}"), version=int(entity[2]) if entity[2] else None)
    return UsedAddress(url=text) if is_address(text) else UsedFile(path=text)


def parse_references(cell: str) -> tuple[WantedReference, ...]:
    """Several, with semicolons between them."""
    return tuple(parse_reference(part.strip()) for part in cell.split(";") if part.strip())


def references_text(references: Sequence[Reference]) -> str:
    """The cell that `parse_references` reads as these."""
    return ";".join(_text(one) for one in references)


def _text(reference: Reference) -> str:
    if isinstance(reference, UsedEntity):
        return reference.entity_id if reference.version is None else f"{reference.entity_id}.{reference.version}"
    # a name alone cannot be given back, and a semicolon would end the address
    return (reference.url or reference.name).replace(";", "%3B")


def with_uploaded(wanted: WantedProvenance, uploaded: Mapping[str, UsedEntity]) -> WantedProvenance:
    """The same with the files of this machine that have gone up as what they are in Synapse."""

    def known(reference: WantedReference) -> WantedReference:
        return uploaded.get(reference.path, reference) if isinstance(reference, UsedFile) else reference

    return replace(
        wanted,
        used=tuple(known(one) for one in wanted.used),
        executed=tuple(known(one) for one in wanted.executed),
    )


def resolved(wanted: WantedProvenance, present: Provenance) -> Provenance:
    """The same in words that Synapse knows.

    Raises:
        UsageError: *present* knows nothing by a name that stands there, or a file of this machine has not gone up.
    """
    named = names_of(present)

    def known(reference: WantedReference) -> Reference:
        match reference:
            case UsedFile(path=path):
                raise unknown_reference(path)
            case UsedName(name=name):
                if name in named:
                    return named[name]
                raise unknown_reference(name)
            case _:
                return reference

    return Provenance(
        name=wanted.name,
        description=wanted.description,
        used=tuple(dict.fromkeys(known(one) for one in wanted.used)),
        executed=tuple(dict.fromkeys(known(one) for one in wanted.executed)),
    )


def names_of(provenance: Provenance) -> Mapping[str, UsedAddress]:
    """What it calls by a name; the existing client's manifests show the name instead of the address."""
    both = provenance.used + provenance.executed
    return {one.name: one for one in both if isinstance(one, UsedAddress) and one.name}


def unknown_reference(text: str) -> UsageError:
    """The error for a reference that stands for nothing."""
    return UsageError(
        f"{text!r} is no Synapse id, no address, and no file that is uploaded here.",
        fix="Give syn123, syn123.4 or https://…; a local file needs a line of its own in the same manifest.",
    )


def is_said(wanted: Provenance, present: Provenance) -> bool:
    """Whether *present* says all of that and no more; line breaks and the order count for nothing."""
    return (
        _flat(wanted.name) == _flat(present.name)
        and _flat(wanted.description) == _flat(present.description)
        and _are_same(wanted.used, present.used)
        and _are_same(wanted.executed, present.executed)
    )


def _are_same(wanted: Sequence[Reference], present: Sequence[Reference]) -> bool:
    left = list(present)
    for one in wanted:
        found = next((other for other in left if _is_same(one, other)), None)
        if found is None:
            return False
        left.remove(found)
    return not left


def _is_same(wanted: Reference, present: Reference) -> bool:
    if isinstance(wanted, UsedEntity) and isinstance(present, UsedEntity):
        return wanted.entity_id == present.entity_id and wanted.version in {None, present.version}
    return _text(wanted) == _text(present)


def _flat(text: str) -> str:
    return " ".join(text.split())
