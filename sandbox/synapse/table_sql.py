"""The service's SQL over one table: parsed, checked, and said again for SQLite (contract 9.2).

A subset: SELECT [DISTINCT] columns, ROW_ID, ROW_VERSION, aggregates and arithmetic, with AS; FROM syn1 or syn1.2;
WHERE, GROUP BY, HAVING, ORDER BY, LIMIT and OFFSET. Everything else is refused with 400, never guessed at.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sandbox.synapse.columns import Column, ColumnType
from sandbox.synapse.http import Json, Refused

TABLE = "rows_of_table"
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<name>"(?:[^"]|"")*")
  | (?P<text>'(?:[^']|'')*')
  | (?P<table>syn\d+(?:\.\d+)?\b)
  | (?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?\b)
  | (?P<word>[^\W\d]\w*)
  | (?P<sign><>|!=|<=|>=|[=<>(),*+\-/%])
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_CLAUSES = ("SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET")
_WORDS = frozenset(
    {
        "AND",
        "OR",
        "NOT",
        "IN",
        "IS",
        "NULL",
        "LIKE",
        "ESCAPE",
        "BETWEEN",
        "ASC",
        "DESC",
        "DISTINCT",
        "TRUE",
        "FALSE",
    }
)
_AGGREGATES = {"COUNT": ColumnType.INTEGER, "SUM": None, "MIN": None, "MAX": None, "AVG": ColumnType.DOUBLE}
_FUNCTIONS = frozenset({*_AGGREGATES, "UPPER", "LOWER"})
_PSEUDO = {"ROW_ID": ColumnType.INTEGER, "ROW_VERSION": ColumnType.INTEGER, "ROW_ETAG": ColumnType.STRING}
_SQLITE_NAMES = {"UPPER": "UPPER", "LOWER": "LOWER", **{name: name for name in _AGGREGATES}}


@dataclass(frozen=True, slots=True)
class Token:
    """One word, sign or literal; `text` is a name or literal without its quotes."""

    kind: str
    text: str
    source: str

    @property
    def keyword(self) -> str:
        """The word in capitals; empty for what can be no keyword."""
        return self.text.upper() if self.kind == "word" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One column of a result."""

    name: str
    type: ColumnType
    column_id: str | None = None
    bytes_per_cell: int = 20

    def as_json(self) -> Json:
        """The SelectColumn on the wire."""
        return {"name": self.name, "columnType": self.type.value, "id": self.column_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A query taken apart, still in the service's words; `clauses` by their first word."""

    table_id: str
    version: int | None
    clauses: Mapping[str, list[Token]]
    limit: int | None = None
    offset: int = 0


@dataclass(slots=True, kw_only=True)
class Select:
    """A query for SQLite, without its limits. `where` never starts with the word."""

    headers: list[Header] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    is_distinct: bool = False
    is_aggregate: bool = False
    where: str = ""
    tail: str = ""
    parameters: list[str] = field(default_factory=list)


def parse(sql: object) -> Statement:
    """Take a query apart as far as it goes without knowing the table; refuses with 400."""
    if not isinstance(sql, str) or not sql.strip():
        raise Refused(400, "query.sql is required")
    clauses = _clauses(list(_tokens(sql)))
    table = clauses.get("FROM", [])
    if len(table) != 1 or table[0].kind != "table":
        raise Refused(400, "The query must select from exactly one table")
    table_id, _, version = table[0].text.lower().partition(".")
    return Statement(
        table_id=table_id,
        version=int(version) if version else None,
        clauses=clauses,
        limit=_whole(clauses, "LIMIT"),
        offset=_whole(clauses, "OFFSET") or 0,
    )


def translate(statement: Statement, columns: tuple[Column, ...]) -> Select:
    """Say the query for SQLite over a table with these columns; refuses unknown columns and functions with 400."""
    return _Translation(columns).select(statement)


def sqlite_name(column_id: str) -> str:
    """What the column is called there: quoted, and safe whatever the real name is."""
    return f'"c{column_id}"'


def _tokens(sql: str) -> Iterator[Token]:
    at, end = 0, len(sql.rstrip())
    while at < end:
        match = _TOKEN.match(sql, at)
        if match is None or match.lastgroup is None:
            raise Refused(400, f"Encountered an unexpected character at position {at + 1} of: {sql}")
        source, at = match.group(match.lastgroup), match.end()
        yield Token(match.lastgroup, _unquoted(match.lastgroup, source), source)


def _unquoted(kind: str, source: str) -> str:
    if kind not in {"name", "text"}:
        return source
    quote = source[0]
    return source[1:-1].replace(quote * 2, quote)


def _clauses(tokens: list[Token]) -> dict[str, list[Token]]:
    clauses: dict[str, list[Token]] = {}
    here: list[Token] | None = None
    last, depth = -1, 0
    for token in tokens:
        depth += (token.source == "(") - (token.source == ")")
        if depth == 0 and token.keyword in _CLAUSES:
            place = _CLAUSES.index(token.keyword)
            if place <= last:
                raise Refused(400, f"Unexpected {token.source}")
            here, last = clauses.setdefault(token.keyword, []), place
        elif here is None:
            raise Refused(400, f"A query starts with SELECT, not with {token.source}")
        else:
            here.append(token)
    if not clauses.get("SELECT"):
        raise Refused(400, "A query must select something")
    for clause in ("GROUP", "ORDER"):
        if clause in clauses:
            _take_by(clauses[clause], clause)
    return clauses


def _take_by(tokens: list[Token], clause: str) -> None:
    if len(tokens) < 2 or tokens[0].keyword != "BY":  # noqa: PLR2004 - BY and something
        raise Refused(400, f"{clause} must be followed by BY and a column")
    del tokens[0]


def _whole(clauses: Mapping[str, list[Token]], clause: str) -> int | None:
    tokens = clauses.get(clause)
    if tokens is None:
        return None
    if len(tokens) != 1 or not tokens[0].text.isdecimal():
        raise Refused(400, f"{clause} must be followed by one whole number")
    return int(tokens[0].text)


class _Translation:
    """One query on its way to SQLite. Names are looked up, texts become parameters: nothing is passed through."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self._columns = columns
        self._by_name = {column.name: column for column in columns}
        self._aliases: dict[str, str] = {}
        self._select = Select()

    def select(self, statement: Statement) -> Select:
        clauses, select = statement.clauses, self._select
        items = clauses["SELECT"]
        if items[0].keyword == "DISTINCT":
            select.is_distinct = select.is_aggregate = True
            items = items[1:]
        for item in _split(items):
            self._item(item)
        select.is_aggregate = select.is_aggregate or "GROUP" in clauses
        select.where = self._expression(clauses["WHERE"]) if "WHERE" in clauses else ""
        tails = (("GROUP", "GROUP BY"), ("HAVING", "HAVING"), ("ORDER", "ORDER BY"))
        select.tail = " ".join(f"{words} {self._expression(clauses[key])}" for key, words in tails if key in clauses)
        return select

    def _item(self, tokens: list[Token]) -> None:
        if [token.source for token in tokens] == ["*"]:
            for column in self._columns:
                self._result(_header(column), sqlite_name(column.id))
            return
        tokens, alias = _without_alias(tokens)
        expression = self._expression(tokens)
        header = self._header(tokens)
        if alias is not None:
            self._aliases[alias] = f'"r{len(self._select.results)}"'
            header = Header(name=alias, type=header.type, bytes_per_cell=header.bytes_per_cell)
        self._result(header, expression)

    def _result(self, header: Header, expression: str) -> None:
        self._select.headers.append(header)
        self._select.results.append(f'{expression} AS "r{len(self._select.results)}"')

    def _header(self, tokens: list[Token]) -> Header:
        first = tokens[0]
        if len(tokens) == 1:
            column = self._column(first)
            if column is not None:
                return _header(column)
            if first.text.upper() in _PSEUDO:
                return Header(name=first.text.upper(), type=_PSEUDO[first.text.upper()])
        name = "".join(token.source for token in tokens)
        return Header(name=name, type=self._type_of(tokens))

    def _type_of(self, tokens: list[Token]) -> ColumnType:
        fixed = _AGGREGATES.get(tokens[0].keyword)
        if fixed is not None:
            return fixed
        named = next((column for token in tokens if (column := self._column(token)) is not None), None)
        if named is not None:
            return named.type
        return ColumnType.STRING if tokens[0].kind == "text" else ColumnType.INTEGER

    def _expression(self, tokens: list[Token]) -> str:
        if not tokens:
            raise Refused(400, "Something is missing in the query")
        following = [*tokens[1:], None]
        return " ".join(self._term(token, after) for token, after in zip(tokens, following, strict=True))

    def _term(self, token: Token, after: Token | None) -> str:
        match token.kind:
            case "text":
                self._select.parameters.append(token.text)
                return "?"
            case "number" | "sign":
                return token.source
            case "name":
                return self._name(token)
            case "word":
                return self._word(token, after)
            case _:
                raise Refused(400, f"Unexpected {token.source}")

    def _word(self, token: Token, after: Token | None) -> str:
        if after is not None and after.source == "(" and token.keyword in _FUNCTIONS:
            if token.keyword in _AGGREGATES:
                self._select.is_aggregate = True
            return _SQLITE_NAMES[token.keyword]
        return token.keyword if token.keyword in _WORDS else self._name(token)

    def _name(self, token: Token) -> str:
        column = self._column(token)
        if column is not None:
            return sqlite_name(column.id)
        if token.text in self._aliases:
            return self._aliases[token.text]
        if token.text.upper() in _PSEUDO:
            return token.text.upper()
        raise Refused(400, f"Unknown column: {token.text}")

    def _column(self, token: Token) -> Column | None:
        """The table's own column; without quotes ROW_ID and its like mean the system's, whatever a column is called."""
        is_systems = token.kind == "word" and token.keyword in _PSEUDO
        return self._by_name.get(token.text) if token.kind in {"name", "word"} and not is_systems else None


def _header(column: Column) -> Header:
    return Header(name=column.name, type=column.type, column_id=column.id, bytes_per_cell=column.bytes_per_cell)


def _split(tokens: list[Token]) -> Iterator[list[Token]]:
    """The items between commas that are in no brackets."""
    item: list[Token] = []
    depth = 0
    for token in tokens:
        depth += (token.source == "(") - (token.source == ")")
        if depth == 0 and token.source == ",":
            yield item
            item = []
        else:
            item.append(token)
    yield item


def _without_alias(tokens: list[Token]) -> tuple[list[Token], str | None]:
    if len(tokens) > 2 and tokens[-2].keyword == "AS":  # noqa: PLR2004 - an expression, AS, a name
        return tokens[:-2], tokens[-1].text
    return tokens, None
