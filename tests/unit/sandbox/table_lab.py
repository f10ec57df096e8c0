"""A project with one table, for the tests about tables: asked over REST, jobs included."""

import csv
import hashlib
import io
from dataclasses import dataclass, field
from typing import Any

from sandbox.synapse.entities import Entity
from sandbox.synapse.handles import Handle, HandleKind
from sandbox.synapse.locations import SYNAPSE_BUCKET
from tests.unit.sandbox.synapse_client import PACKAGE, Client, Reply

TABLE = PACKAGE + "table."
REPO = "/repo/v1"


@dataclass
class TableLab:
    """A table `image FILEHANDLEID, label STRING, size INTEGER`, empty at first, and what is done to it."""

    client: Client = field(default_factory=Client)
    project: Entity = field(init=False)
    ids: dict[str, str] = field(init=False)
    table: Entity = field(init=False)

    def __post_init__(self) -> None:
        self.project = self.client.project()
        self.ids = {
            name: self.column(name, kind)
            for name, kind in (("image", "FILEHANDLEID"), ("label", "STRING"), ("size", "INTEGER"))
        }
        self.table = self.make_table("slides", *self.ids.values())

    @property
    def world(self) -> Any:
        return self.client.world

    def column(self, name: str, kind: str, **members: Any) -> str:
        answer = self.client.post(f"{REPO}/column", {"name": name, "columnType": kind, **members})
        assert answer.status == 201, answer.body
        return str(answer.json["id"])

    def make_table(self, name: str, *column_ids: str) -> Entity:
        body = {"concreteType": TABLE + "TableEntity", "name": name, "parentId": self.project.id}
        made = self.client.post(f"{REPO}/entity", {**body, "columnIds": list(column_ids)})
        assert made.status == 201, made.body
        return self.world.entities.require(made.json["id"])

    def handle(self, key: str = "3412/x/a.csv", *, owner: str | None = None) -> Handle:
        return self.client.handle(key=key, owner=owner)

    def job(self, path: str, body: Any, *, client: Client | None = None, table: str | None = None) -> Reply:
        """Start a job and ask for its outcome once."""
        who = client or self.client
        place = f"{REPO}/entity/{table or self.table.id}/table/{path}/async"
        started = who.post(f"{place}/start", body)
        assert started.status == 201, started.body
        return who.get(f"{place}/get/{started.json['token']}")

    def query(self, sql: str, *, mask: int = 1, client: Client | None = None, **asked: Any) -> Reply:
        body = {"concreteType": TABLE + "QueryBundleRequest", "query": {"sql": sql, **asked}, "partMask": mask}
        return self.job("query", body, client=client)

    def values(self, sql: str, **asked: Any) -> list[list[str | None]]:
        """The values of a query's first page."""
        answer = self.query(sql, **asked)
        assert answer.status == 201, answer.body
        return [row["values"] for row in answer.json["queryResult"]["queryResults"]["rows"]]

    def add(self, *rows: dict[str, str | None]) -> list[int]:
        """Rows by column name, past all checks."""
        stored = [{self.ids[name]: value for name, value in row.items()} for row in rows]
        return self.world.tables.append(self.world, self.table, stored, user_id=self.client.user.id)

    def cells(self, row_id: int) -> dict[str, str | None] | None:
        """A row by column name as it stands now, without nulls; None when it is gone."""
        row = self.world.tables.rows_of(self.world, self.table).get(row_id)
        if row is None:
            return None
        names = {column_id: name for name, column_id in self.ids.items()}
        return {names[key]: value for key, value in row.cells.items() if value is not None}

    def versions(self) -> dict[int, int]:
        """Row id to row version."""
        return {row_id: row.version for row_id, row in self.world.tables.rows_of(self.world, self.table).items()}

    def partial(self, *rows: dict[str, Any]) -> dict[str, Any]:
        """A change of single cells."""
        return self.append("PartialRowSet", {"rows": list(rows)})

    def full(self, names: list[str], *rows: dict[str, Any], **members: Any) -> dict[str, Any]:
        """A change of whole rows."""
        headers = [{"id": self.ids[name]} for name in names]
        return self.append("RowSet", {"headers": headers, "rows": list(rows), **members})

    def append(self, kind: str, rows: dict[str, Any]) -> dict[str, Any]:
        to_append = {"concreteType": TABLE + kind, "tableId": self.table.id, **rows}
        return {"concreteType": TABLE + "AppendableRowSetRequest", "entityId": self.table.id, "toAppend": to_append}

    def cell(self, row_id: int, name: str, value: str | None) -> dict[str, Any]:
        """One row of a partial row set that changes one cell."""
        return {"rowId": row_id, "values": [{"key": self.ids[name], "value": value}]}

    def transact(self, *changes: dict[str, Any], client: Client | None = None, **members: Any) -> Reply:
        body = {
            "concreteType": TABLE + "TableUpdateTransactionRequest",
            "entityId": self.table.id,
            "changes": list(changes),
            **members,
        }
        return self.job("transaction", body, client=client)

    def csv_change(self, *lines: list[str], **members: Any) -> dict[str, Any]:
        """An upload of a CSV of the caller's."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        handle = self.file(text.getvalue().encode())
        return {
            "concreteType": TABLE + "UploadToTableRequest",
            "entityId": self.table.id,
            "tableId": self.table.id,
            "uploadFileHandleId": handle.id,
            **members,
        }

    def file(self, data: bytes, *, owner: str | None = None) -> Handle:
        key = f"3412/{hashlib.md5(data).hexdigest()}/rows.csv"
        self.world.objects.put(SYNAPSE_BUCKET, key, data)
        return self.world.handles.add(
            self.world,
            kind=HandleKind.S3,
            created_by=owner or self.client.user.id,
            content_size=len(data),
            bucket=SYNAPSE_BUCKET,
            key=key,
        )

    def content(self, handle_id: str) -> bytes:
        """The bytes behind a handle."""
        handle = self.world.handles.require(handle_id)
        content = self.world.objects.get(handle.bucket, handle.key).content
        return b"".join(content.read(0, content.size - 1))
