"""How a record says what its attributes are called on the wire, and what they must look like."""

from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from enum import Enum
from typing import Any, Final

from storage_core.locations.rules import Rule

_META: Final = "attribute"


class Form(Enum):
    """What an attribute holds."""

    TEXT = "a text"
    FLAG = "true or false"
    SECRET = "a secret text"  # noqa: S105 - the name of a form


def _stay(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute of a type of storage location.

    Attributes:
        wire: its name in JSON.
        is_required: a location cannot be created without it; one that was read may lack it.
        is_given_by_service: it is read and never sent.
        implied: a value that means the same as none.
        normal: brings a text to the form in which the service keeps it.
    """

    wire: str
    form: Form = Form.TEXT
    is_required: bool = False
    is_given_by_service: bool = False
    rules: tuple[Rule, ...] = ()
    implied: str | None = None
    normal: Callable[[str], str] = _stay


def attribute(what: Attribute) -> Any:
    """Declare a dataclass field that travels."""
    default: bool | str | None = False if what.form is Form.FLAG else None
    return field(default=default, metadata={_META: what})


def attributes_of(record: Any) -> dict[str, Attribute]:
    """The attributes of a record or its class by their names, in order of declaration."""
    declared: tuple[Field[Any], ...] = fields(record)
    return {one.name: one.metadata[_META] for one in declared if _META in one.metadata}


def trimmed(text: str) -> str:
    """Without blanks at the ends."""
    return text.strip()


def without_outer_slashes(text: str) -> str:
    """As the service keeps base keys and endpoints: no '/', blank or tab at either end."""
    return text.strip("/ \t")
