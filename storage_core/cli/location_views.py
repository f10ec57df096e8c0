"""Storage locations as tables and documents; secrets as stars."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from storage_core.locations import TYPES, type_name_of
from storage_core.locations.attributes import attributes_of
from storage_core.locations.location import Location
from storage_core.model.secret import Secret
from storage_core.reports.wording import plain_text

if TYPE_CHECKING:
    from rich.table import Table

_ALWAYS_THERE: dict[str, Any] = {"bucket": None, "base_key": None, "sts_enabled": False}
_PLACES = ("url", "proxy_url", "endpoint_url", "bucket", "base_key")


def location_document(location: Location) -> dict[str, Any]:
    """Every attribute by its name; what nobody taught us under ``other``."""
    stored = location.stored
    return {
        "storage_location_id": None if stored is None else int(stored.id),
        "storage_type": type_name_of(location),
        "concrete_type": location.concrete_type,
        "upload_type": location.upload_type,
        **_ALWAYS_THERE,
        **{name: _shown(getattr(location, name)) for name in attributes_of(location)},
        "etag": None if stored is None else stored.etag,
        "created_on": None if stored is None else stored.created_on,
        "created_by": None if stored is None else stored.created_by,
        "other": json.loads(location.unknown_json),
    }


def location_table(found: Sequence[Location]) -> "Table":
    """One row each."""
    from rich.table import Table  # late: keeps --help fast
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bright_black")
    for heading in ("Id", "Type", "Place", "STS", "Created", "Description"):
        table.add_column(heading)
    for location in found:
        stored = location.stored
        table.add_row(
            "" if stored is None else str(stored.id),
            Text(plain_text(type_name_of(location))),
            Text(plain_text(place_text(location))),
            "yes" if location.gives_credentials else "no",
            "" if stored is None else (stored.created_on or "")[:10],
            Text(plain_text(location.description or "")),
        )
    return table


def attribute_table(location: Location) -> "Table":
    """Everything about one location, an attribute a row."""
    from rich.table import Table  # late: keeps --help fast
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    document = location_document(location)
    other = document.pop("other")
    for name, value in {**document, **other}.items():
        if value not in (None, ""):
            table.add_row(name, Text(plain_text(_words(value))))
    return table


def type_document() -> list[dict[str, Any]]:
    """Every type with what it requires and what else it takes."""
    return [
        {
            "storage_type": name,
            "purpose": record.PURPOSE,
            "requires": [one for one, what in attributes_of(record).items() if what.is_required],
            "takes": [
                one
                for one, what in attributes_of(record).items()
                if not what.is_required and not what.is_given_by_service
            ],
        }
        for name, record in TYPES.items()
    ]


def type_table() -> "Table":
    """The same for people."""
    from rich.table import Table  # late: keeps --help fast

    table = Table(box=None, pad_edge=False, header_style="bright_black")
    for heading in ("Type", "Bytes are in", "Requires", "Also takes"):
        table.add_column(heading)
    for one in type_document():
        table.add_row(one["storage_type"], one["purpose"], ", ".join(one["requires"]), ", ".join(one["takes"]))
    return table


def place_text(location: Location) -> str:
    """Where the bytes are, in one line."""
    parts = [getattr(location, name, None) for name in _PLACES]
    return "/".join(part for part in parts if part) or location.PURPOSE


def _shown(value: object) -> object:
    return str(value) if isinstance(value, Secret) else value


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value)
