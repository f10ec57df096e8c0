"""From what somebody wants to a location the service will take; broken rules are named before anything is sent."""

from collections.abc import Iterator, Mapping

from storage_core.errors import UsageError
from storage_core.locations.attributes import Attribute, Form, attributes_of
from storage_core.locations.location import Location
from storage_core.model.destinations import UploadType
from storage_core.model.secret import Secret


def build(name: str, record: type[Location], wanted: Mapping[str, object], upload_type: str | None = None) -> Location:
    """Make a location that is still to be created.

    Args:
        name: what users call the type.
        wanted: values by attribute; None, False and blank count as not given.
        upload_type: None takes the type's own.

    Raises:
        UsageError: names every attribute that is wrong, and the rule it breaks.
    """
    known = attributes_of(record)
    given = {one: _normal(known.get(one), value) for one, value in wanted.items()}
    given = {one: value for one, value in given.items() if value not in (None, False, "")}
    complaints = [*_strange(name, record, given), *_broken(known, given), *_wrong_protocol(record, upload_type)]
    if complaints:
        raise UsageError(
            f"This is no {name} storage location: {'; '.join(complaints)}.",
            fix="Correct it and try again; nothing was sent to Synapse.",
        )
    values = {one: _hidden(known[one], value) for one, value in given.items()}
    return record(
        concrete_type=record.CONCRETE_TYPE,
        upload_type=upload_type or (record.UPLOAD_TYPES[0] if record.UPLOAD_TYPES else UploadType.NONE),
        **values,  # type: ignore[arg-type]  # each value was just held against its attribute's form
    )


def _strange(name: str, record: type[Location], given: Mapping[str, object]) -> Iterator[str]:
    known = attributes_of(record)
    for one in given:
        if one not in known:
            yield f"{one} is no attribute of {name}{_why_not(one)} (it has {', '.join(_own(record))})"
        elif known[one].is_given_by_service:
            yield f"{one} must not be given: Synapse chooses it"


def _why_not(attribute: str) -> str:
    return ", temporary credentials exist for S3 only" if attribute == "sts_enabled" else ""


def _own(record: type[Location]) -> list[str]:
    return [name for name, what in attributes_of(record).items() if not what.is_given_by_service]


def _broken(known: Mapping[str, Attribute], given: Mapping[str, object]) -> Iterator[str]:
    for name, what in known.items():
        if name not in given:
            if what.is_required:
                yield f"{name} is required"
            continue
        value = given[name]
        if what.form is Form.FLAG:
            if not isinstance(value, bool):
                yield f"{name} must be true or false"
            continue
        text = value.reveal() if isinstance(value, Secret) else value
        if not isinstance(text, str):
            yield f"{name} must be a text"
            continue
        complaint = next((found for rule in what.rules if (found := rule(text))), None)
        if complaint:
            yield f"{name} {complaint}"


def _wrong_protocol(record: type[Location], upload_type: str | None) -> Iterator[str]:
    if upload_type and record.UPLOAD_TYPES and upload_type not in record.UPLOAD_TYPES:
        yield f"upload_type must be {' or '.join(record.UPLOAD_TYPES)}, not {upload_type}"


def _normal(what: Attribute | None, value: object) -> object:
    if isinstance(value, str):
        return (what.normal(value) if what else value) if value.strip() else None
    return value


def _hidden(what: Attribute, value: object) -> object:
    return Secret(value) if what.form is Form.SECRET and isinstance(value, str) else value
