"""Column models: immutable descriptions that many tables share, one record for equal content (contract 9.1)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sandbox.synapse.http import Json, Refused

if TYPE_CHECKING:
    from sandbox.synapse.world import World

MOST_COLUMNS = 152
BYTES_PER_PAGE = 2_097_152
_LONGEST_NAME = 256
_LONGEST_TEXT = 1000
_DEFAULT_TEXT = 50
_MOST_LISTED = 100


class ColumnType(StrEnum):
    """What the cells of a column hold."""

    STRING = "STRING"
    DOUBLE = "DOUBLE"
    INTEGER = "INTEGER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    FILEHANDLEID = "FILEHANDLEID"
    ENTITYID = "ENTITYID"
    SUBMISSIONID = "SUBMISSIONID"
    EVALUATIONID = "EVALUATIONID"
    LINK = "LINK"
    MEDIUMTEXT = "MEDIUMTEXT"
    LARGETEXT = "LARGETEXT"
    USERID = "USERID"
    STRING_LIST = "STRING_LIST"
    INTEGER_LIST = "INTEGER_LIST"
    BOOLEAN_LIST = "BOOLEAN_LIST"
    DATE_LIST = "DATE_LIST"
    ENTITYID_LIST = "ENTITYID_LIST"
    USERID_LIST = "USERID_LIST"
    JSON = "JSON"

    @property
    def element(self) -> "ColumnType | None":
        """What a list is made of; None for other types."""
        return ColumnType(self.removesuffix("_LIST")) if self.endswith("_LIST") else None


_SIZED = frozenset({ColumnType.STRING, ColumnType.LINK, ColumnType.STRING_LIST})
_BYTES = {
    ColumnType.INTEGER: 20,
    ColumnType.DATE: 20,
    ColumnType.FILEHANDLEID: 20,
    ColumnType.USERID: 20,
    ColumnType.SUBMISSIONID: 20,
    ColumnType.EVALUATIONID: 20,
    ColumnType.ENTITYID: 44,
    ColumnType.DOUBLE: 23,
    ColumnType.BOOLEAN: 5,
    ColumnType.MEDIUMTEXT: 421,
    ColumnType.LARGETEXT: 2_133,
    ColumnType.JSON: 2_133,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column model. `rest` are the members that mean nothing to the sandbox but are sent back."""

    id: str
    name: str
    type: ColumnType
    maximum_size: int | None = None
    maximum_list_length: int | None = None
    default_value: str | None = None
    rest: str = "{}"

    @property
    def bytes_per_cell(self) -> int:
        """What a cell counts against the page (contract 9.4)."""
        element = self.type.element
        kind = element or self.type
        size = 4 * (self.maximum_size or _DEFAULT_TEXT) if kind in _SIZED else _BYTES[kind]
        return size * (self.maximum_list_length or _MOST_LISTED) if element else size

    def as_json(self) -> Json:
        """The model as the service sends it."""
        return {
            "id": self.id,
            "name": self.name,
            "columnType": self.type.value,
            "maximumSize": self.maximum_size,
            "maximumListLength": self.maximum_list_length,
            "defaultValue": self.default_value,
            **json.loads(self.rest),
        }

    def as_header(self) -> Json:
        """The model as result sets name their columns."""
        return {"name": self.name, "columnType": self.type.value, "id": self.id}


class Columns:
    """Every column model by id and by content."""

    def __init__(self) -> None:
        self._by_id: dict[str, Column] = {}
        self._ids: dict[str, str] = {}

    def add(self, world: "World", name: str, kind: ColumnType, **members: object) -> Column:
        """The column of that content, made when there is none yet; *members* as on the wire. Refuses with 400."""
        return self.create(world, {"name": name, "columnType": kind.value, **members})

    def create(self, world: "World", body: Json) -> Column:
        """The column that *body* describes, made when there is none of equal content yet; refuses with 400."""
        members = _members(body)
        content = json.dumps(members, sort_keys=True)
        known = self._ids.get(content)
        if known is not None:
            return self._by_id[known]
        column = Column(
            id=str(world.ids.number("other")),
            name=members["name"],
            type=ColumnType(members["columnType"]),
            maximum_size=members["maximumSize"],
            maximum_list_length=members["maximumListLength"],
            default_value=members["defaultValue"],
            rest=json.dumps(members["rest"]),
        )
        self._by_id[column.id] = column
        self._ids[content] = column.id
        return column

    def all(self) -> list[Column]:
        """Every column, oldest first."""
        return list(self._by_id.values())

    def require(self, column_id: str) -> Column:
        """The column; refuses with 404."""
        column = self._by_id.get(column_id)
        if column is None:
            raise Refused(404, f"A column model does not exist for id: {column_id}")
        return column

    def schema(self, column_ids: object) -> tuple[Column, ...]:
        """The columns of a table; refuses unknown ids with 404, too many or two of one name with 400."""
        if not isinstance(column_ids, list | tuple):
            raise Refused(400, "columnIds must be a list")
        columns = tuple(self.require(str(column_id)) for column_id in column_ids)
        if len(columns) > MOST_COLUMNS:
            raise Refused(400, f"A table cannot have more than {MOST_COLUMNS} columns")
        if len({column.name for column in columns}) < len(columns):
            raise Refused(400, "Duplicate column name")
        return columns


def rows_per_page(columns: Iterable[Column]) -> int | None:
    """The page rule of contract 9.4; None without columns."""
    width = sum(column.bytes_per_cell for column in columns)
    return max(1, BYTES_PER_PAGE // width) if width else None


def _members(body: Json) -> Json:
    name = body.get("name")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= _LONGEST_NAME:
        raise Refused(400, f"A column needs a name of 1 to {_LONGEST_NAME} characters")
    kind = _type_in(body)
    default = body.get("defaultValue") or None
    if default is not None and kind is ColumnType.FILEHANDLEID:
        raise Refused(400, "Columns of type FILEHANDLEID cannot have default values")
    rest = {key: body[key] for key in ("enumValues", "facetType", "jsonSubColumns") if body.get(key)}
    return {
        "name": name.strip(),
        "columnType": kind.value,
        "maximumSize": _number(body, "maximumSize", _DEFAULT_TEXT, _LONGEST_TEXT) if kind in _SIZED else None,
        "maximumListLength": _number(body, "maximumListLength", _MOST_LISTED, _MOST_LISTED) if kind.element else None,
        "defaultValue": default,
        "rest": rest,
    }


def _type_in(body: Json) -> ColumnType:
    raw = body.get("columnType")
    if raw is None:
        raise Refused(400, "columnType is required")
    if raw not in ColumnType.__members__:
        raise Refused(400, f"Unknown columnType: {raw}")
    return ColumnType(raw)


def _number(body: Json, member: str, default: int, most: int) -> int:
    raw = body.get(member)
    if raw is None:
        return default
    if isinstance(raw, bool) or not str(raw).isdecimal() or not 1 <= int(raw) <= most:
        raise Refused(400, f"{member} must be a number from 1 to {most}, not {raw}")
    return int(raw)
