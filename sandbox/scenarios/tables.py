"""Tables with files in their cells."""

from collections.abc import Mapping

from sandbox.scenarios.builder import Builder
from sandbox.scenarios.facts import ExpectedCell, ScenarioFacts
from sandbox.synapse.columns import Column, ColumnType
from sandbox.synapse.entities import Entity
from sandbox.synapse.handles import Handle
from sandbox.synapse.kinds import Kind
from sandbox.synapse.world import World

ODD_NAMES = (
    "file with spaces",
    'the "quoted" file',
    "größe_測定",
    "select",
    "a.b-c,d",
    "ROW_ID",
    "it's (1)",
)
ROWS_PER_TRANSACTION = 1_000


def build_tables(world: World, *, size: int, seed: int) -> ScenarioFacts:
    """*size* rows: half in a plain table, the rest in one with odd column names and one where most cells are empty."""
    builder = Builder(world, "tables", seed)
    with builder.days_ago(200):
        project = builder.project("Tables with files")
        plain = add_image_table(builder, project, "Scanned slides", rows=size - size // 2)
        builder.world.tables.snapshot(
            world, plain, user_id=builder.steward.id, label="first release", comment="as published"
        )
        odd = _add_odd_table(builder, project, rows=size // 4)
        consent = builder.text_handle("the one consent form\n", "consent_form.txt")
        sparse = add_consent_table(builder, project, "Sparse", consent=consent, rows=size // 2 - size // 4)
        fileless = _table(builder, project, "Without files", {"name": ColumnType.STRING})
        world.tables.append(world, fileless[0], [{fileless[1]["name"].id: "x"}], user_id=builder.steward.id)
    builder.landmarks |= {"plain": plain.id, "odd-names": odd.id, "sparse": sparse.id, "fileless": fileless[0].id}
    return builder.facts(project)


def add_image_table(builder: Builder, project: Entity, name: str, *, rows: int, shared: Handle | None = None) -> Entity:
    """A table with a picture in each row, and a report that three rows share; the last row has no files at all.

    The first row's report is *shared* when given; that of the second lies at the destination already.
    """
    kinds = {
        "slide": ColumnType.STRING,
        "score": ColumnType.DOUBLE,
        "image": ColumnType.FILEHANDLEID,
        "report": ColumnType.FILEHANDLEID,
    }
    entity, columns = _table(builder, project, name, kinds)
    filled: list[Mapping[str, str | Handle | None]] = []
    report = shared
    for number in range(rows - 1):
        if number % 3 == 0 and (number or shared is None):
            report = builder.text_handle(f"report {number // 3}\n", f"report_{number // 3:04d}.txt")
        image = builder.text_handle(f"<svg><text>{number}</text></svg>", f"slide_{number:05d}.svg")
        filled.append({"slide": f"slide {number}", "score": f"{number / 8}", "image": image, "report": report})
    if len(filled) > 1:
        moved = builder.text_handle("archived report\n", "archived_report.txt", location=builder.destination)
        filled[1] = {**filled[1], "report": moved}
    filled.append({"slide": "lost", "score": None, "image": None, "report": None})
    _fill(builder, entity, columns, filled)
    return entity


def _add_odd_table(builder: Builder, project: Entity, *, rows: int) -> Entity:
    """File columns whose names need quoting; one handle goes through all columns of a row."""
    kinds = {"id": ColumnType.INTEGER, **dict.fromkeys(ODD_NAMES, ColumnType.FILEHANDLEID)}
    entity, columns = _table(builder, project, "Odd columns", kinds)
    filled: list[Mapping[str, str | Handle | None]] = []
    for number in range(rows):
        handle = builder.text_handle(f"row {number}\n", f"odd_{number:05d}.txt")
        filled.append({"id": str(number), **dict.fromkeys(ODD_NAMES, handle)})
    _fill(builder, entity, columns, filled)
    return entity


def add_consent_table(builder: Builder, container: Entity, name: str, *, consent: Handle, rows: int) -> Entity:
    """Every fifth row, from the first on, has a file, and all of those have the same one."""
    kinds = {"visit": ColumnType.STRING, "consent": ColumnType.FILEHANDLEID}
    entity, columns = _table(builder, container, name, kinds)
    _fill(
        builder,
        entity,
        columns,
        [{"visit": f"visit {number}", "consent": consent if number % 5 == 0 else None} for number in range(rows)],
    )
    return entity


def _table(
    builder: Builder, project: Entity, name: str, kinds: Mapping[str, ColumnType]
) -> tuple[Entity, dict[str, Column]]:
    columns = {label: builder.world.tables.columns.add(builder.world, label, kind) for label, kind in kinds.items()}
    fields = {"columnIds": [column.id for column in columns.values()]}
    return builder.entity(Kind.TABLE, project, name, fields=fields), columns


def _fill(
    builder: Builder,
    entity: Entity,
    columns: Mapping[str, Column],
    rows: list[Mapping[str, str | Handle | None]],
) -> None:
    """Write the rows in transactions, and write down what is in their file cells."""
    for start in range(0, len(rows), ROWS_PER_TRANSACTION):
        batch = rows[start : start + ROWS_PER_TRANSACTION]
        stored = [{columns[label].id: _text(value) for label, value in row.items()} for row in batch]
        row_ids = builder.world.tables.append(builder.world, entity, stored, user_id=builder.steward.id)
        for row_id, row in zip(row_ids, batch, strict=True):
            builder.cells.extend(
                _expected(entity, row_id, label, row[label])
                for label, column in columns.items()
                if column.type is ColumnType.FILEHANDLEID
            )


def _expected(entity: Entity, row_id: int, label: str, value: str | Handle | None) -> ExpectedCell:
    handle = value if isinstance(value, Handle) else None
    return ExpectedCell(
        table_id=entity.id,
        row_id=row_id,
        column=label,
        handle_id=handle.id if handle else None,
        size=handle.content_size if handle else None,
        md5=handle.content_md5 if handle else None,
        location_id=handle.storage_location_id if handle else None,
    )


def _text(value: str | Handle | None) -> str | None:
    return value.id if isinstance(value, Handle) else value
