"""JSON and records, for every type alike. What no attribute stands for is kept."""

import json
from collections.abc import Mapping
from typing import Any, Final

from storage_core.locations.attributes import Attribute, Form, attributes_of
from storage_core.locations.location import Location, Stored
from storage_core.model.ids import PrincipalId, StorageLocationId
from storage_core.model.secret import Secret

LocationTypes = Mapping[str, type[Location]]
"""The types by the names users know."""

_HEAD: Final = ("concreteType", "uploadType")
_STORED: Final = ("storageLocationId", "etag", "createdOn", "createdBy")


def type_for(types: LocationTypes, concrete_type: str, upload_type: str) -> type[Location]:
    """The type that an answer is of; `Location` itself when we know none."""
    for known in types.values():
        if concrete_type == known.CONCRETE_TYPE and (
            not known.IS_TOLD_APART_BY_UPLOAD_TYPE or upload_type in known.UPLOAD_TYPES
        ):
            return known
    return Location


def name_of(types: LocationTypes, location: Location) -> str:
    """The name users know its type by, or the service's own name for it."""
    known = (name for name, record in types.items() if type(location) is record)
    return next(known, location.concrete_type.rpartition(".")[2] or "UNKNOWN")


def read_json(types: LocationTypes, text: str) -> Location:
    """Turn a location as the service sent it into a record.

    Raises:
        ValueError: it is no JSON object.
    """
    body = json.loads(text)
    if not isinstance(body, dict):
        raise ValueError("a storage location is a JSON object")  # noqa: TRY004 - the caller gave a text
    concrete_type, upload_type = (_word(body.get(name)) for name in _HEAD)
    record = type_for(types, concrete_type, upload_type)
    known: dict[str, Any] = {}
    understood = {*_HEAD, *_STORED}
    for name, what in attributes_of(record).items():
        value = body.get(what.wire)
        if value is None or _fits(what, value):
            understood.add(what.wire)
            if value is not None:
                known[name] = Secret(value) if what.form is Form.SECRET else value
    unknown = {name: value for name, value in body.items() if name not in understood}
    return record(
        concrete_type=concrete_type,
        upload_type=upload_type,
        stored=_stored(body),
        unknown_json=json.dumps(unknown, sort_keys=True),
        **known,
    )


def write_json(location: Location) -> str:
    """The location as it is sent for creation: with every field, and without what only the service gives."""
    body: dict[str, object] = dict(json.loads(location.unknown_json))
    body |= {"concreteType": location.concrete_type, "uploadType": location.upload_type or None}
    for name, what in attributes_of(location).items():
        value = getattr(location, name)
        if value not in (None, False) and not what.is_given_by_service:
            body[what.wire] = value.reveal() if isinstance(value, Secret) else value
    return json.dumps({name: value for name, value in body.items() if value is not None}, sort_keys=True)


def mean_the_same(one: Location, other: Location) -> bool:
    """Whether creating the second only repeats the first, whichever client made it and whatever it spelled out.

    The service compares more literally: for it, false and absent are two settings (contract 2.4).
    """
    return type(one) is type(other) and _meaning(one) == _meaning(other)


def _meaning(location: Location) -> tuple[object, ...]:
    said: dict[str, object] = {}
    for name, what in attributes_of(location).items():
        value = getattr(location, name)
        if value not in (None, False, "", what.implied) and not what.is_given_by_service:
            said[name] = value
    return location.concrete_type, location.upload_type, location.unknown_json, said


def _fits(what: Attribute, value: object) -> bool:
    return isinstance(value, bool) if what.form is Form.FLAG else isinstance(value, str)


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _stored(body: Mapping[str, object]) -> Stored | None:
    number = body.get("storageLocationId")
    if not isinstance(number, int | str) or not str(number).isdigit():
        return None
    created_by = body.get("createdBy")
    return Stored(
        id=StorageLocationId(int(number)),
        etag=_word(body.get("etag")) or None,
        created_on=_word(body.get("createdOn")) or None,
        created_by=None if created_by is None else PrincipalId(str(created_by)),
    )
