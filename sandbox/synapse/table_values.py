"""What may stand in a cell: texts, checked and brought into one spelling by the type of their column (contract 9.1)."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.synapse.columns import Column, ColumnType
from sandbox.synapse.http import Refused

_ENTITY = re.compile(r"(?:syn)?(\d+(?:\.\d+)?)", re.IGNORECASE)
_LONGEST_INTEGER = 2**63
_TEXTS = frozenset({ColumnType.STRING, ColumnType.LINK, ColumnType.MEDIUMTEXT, ColumnType.LARGETEXT})


def cell_of(column: Column, raw: Any) -> str | None:
    """The value as it is stored, None for no value; refuses with 400 what the column cannot hold."""
    if raw is None:
        return None
    text = raw if isinstance(raw, str) else json.dumps(raw)
    if not text and column.type not in _TEXTS:
        return None
    try:
        value = _PARSERS[column.type](text) if column.type.element is None else _list(column, text)
    except ValueError as error:
        raise Refused(400, f"Value: '{text}' is not a valid {column.type} for column: {column.name}") from error
    if column.type in _TEXTS and column.maximum_size is not None and len(value) > column.maximum_size:
        raise Refused(400, f"Value exceeds the maximum size of {column.maximum_size} for column: {column.name}")
    return value


def _same(text: str) -> str:
    return text


def _integer(text: str) -> str:
    number = int(text)
    if not -_LONGEST_INTEGER <= number < _LONGEST_INTEGER:
        raise ValueError(text)
    return str(number)


def _id(text: str) -> str:
    if not text.isdecimal():
        raise ValueError(text)
    return text


def _double(text: str) -> str:
    float(text)
    return text


def _boolean(text: str) -> str:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower()


def _date(text: str) -> str:
    """Milliseconds since 1970; a written date is taken for UTC when it names no zone."""
    if text.lstrip("-").isdecimal():
        return _integer(text)
    moment = datetime.fromisoformat(text)
    return str(round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))


def _entity(text: str) -> str:
    match = _ENTITY.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return f"syn{match.group(1)}"


def _json(text: str) -> str:
    json.loads(text)
    return text


def _list(column: Column, text: str) -> str:
    members = json.loads(text)
    element = column.type.element
    if not isinstance(members, list) or element is None:
        raise ValueError(text)
    if len(members) > (column.maximum_list_length or len(members)):
        raise Refused(400, f"Column {column.name} holds at most {column.maximum_list_length} values")
    parse = _PARSERS[element]
    spelled = [parse(member if isinstance(member, str) else json.dumps(member)) for member in members]
    if element in _LISTED_AS_JSON:
        return json.dumps([json.loads(member) for member in spelled])
    return json.dumps(spelled, ensure_ascii=False)


_LISTED_AS_JSON = frozenset({ColumnType.INTEGER, ColumnType.BOOLEAN, ColumnType.DATE, ColumnType.USERID})
_PARSERS: dict[ColumnType, Callable[[str], str]] = {
    ColumnType.STRING: _same,
    ColumnType.LINK: _same,
    ColumnType.MEDIUMTEXT: _same,
    ColumnType.LARGETEXT: _same,
    ColumnType.INTEGER: _integer,
    ColumnType.DOUBLE: _double,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.FILEHANDLEID: _id,
    ColumnType.SUBMISSIONID: _id,
    ColumnType.EVALUATIONID: _id,
    ColumnType.USERID: _id,
    ColumnType.ENTITYID: _entity,
    ColumnType.JSON: _json,
}
