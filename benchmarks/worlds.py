"""The worlds contests are held in. Files that a client may download have real bytes; nothing in them is awkward."""

from sandbox.objects.records import GIB, MIB
from sandbox.scenarios.builder import Builder
from sandbox.scenarios.facts import ScenarioFacts
from sandbox.synapse.columns import ColumnType
from sandbox.synapse.entities import Entity
from sandbox.synapse.handles import Handle
from sandbox.synapse.kinds import Kind
from sandbox.synapse.world import World

GIGABYTE = 10**9
CLIENT_PART_BYTES = 8 * MIB

FOLDERS = 4
"""Few: one of the client's implementations stops for ever at as many sibling folders as it has permits."""

ROWS_PER_TRANSACTION = 1_000


def small_files(world: World, files: int) -> ScenarioFacts:
    """Files of one version and some hundred bytes, in a few folders."""
    return histories(world, files, versions=1)


def histories(world: World, files: int, *, versions: int) -> ScenarioFacts:
    """Files with this many versions each, every version with a handle of its own."""
    builder = Builder(world, "benchmark", 0)
    with builder.days_ago(100):
        project = builder.project("Benchmark")
        folders = [builder.folder(project, f"folder {number}") for number in range(FOLDERS)]
        for number in range(files):
            name = f"file_{number:06d}.txt"
            texts = [f"file {number}, version {version}\n" * 20 for version in range(versions)]
            made = builder.file(folders[number % FOLDERS], name, builder.text_handle(texts[0], name))
            for text in texts[1:]:
                builder.version(made, builder.text_handle(text, name))
        return builder.facts(project)


def large_files(world: World, files: int, *, gigabytes: int) -> ScenarioFacts:
    """Files that are only declared, of so many times 10^9 bytes."""
    builder = Builder(world, "benchmark", 0)
    with builder.days_ago(100):
        project = builder.project("Benchmark")
        folder = builder.folder(project, "sequencing")
        for number in range(files):
            name = f"sample_{number:04d}.bam"
            handle = builder.virtual_handle(gigabytes * GIGABYTE, name)
            _uploaded_by_the_client(world, handle)
            builder.file(folder, name, handle)
        return builder.facts(project)


def _uploaded_by_the_client(world: World, handle: Handle) -> None:
    """Its object looks as one that the existing client uploads: in more parts than are copied one by one."""
    stored = world.objects.get(handle.bucket or "", handle.key or "")
    world.objects.put_in_parts(
        handle.bucket or "",
        handle.key or "",
        stored.content,
        part_size=CLIENT_PART_BYTES,
        attributes=stored.attributes,
    )


def mixed_sizes(world: World, files: int, *, large: int) -> ScenarioFacts:
    """Small files, and below them in the tree a few of 30 GB."""
    builder = Builder(world, "benchmark", 0)
    with builder.days_ago(100):
        project = builder.project("Benchmark")
        folders = [builder.folder(project, f"folder {number}") for number in range(FOLDERS)]
        for number in range(files):
            name = f"file_{number:06d}.txt"
            builder.file(folders[number % FOLDERS], name, builder.text_handle(f"file {number}\n" * 20, name))
        for number in range(large):
            name = f"sample_{number:04d}.bam"
            builder.file(folders[-1], name, builder.virtual_handle(30 * GIB, name))
        return builder.facts(project)


SHARE_OF_EVERYTHING = 50
"""Places in which a project of everything repeats itself."""


def everything(world: World, places: int) -> ScenarioFacts:
    """A project as they are: of fifty places one is a file of 30 GB, fifteen are histories, ten are cells.

    Of the others four are files that share one handle, and twenty are small files of one version, as are the places
    that are left over. Half of the cells have a file of their own, the others share one.
    """
    builder = Builder(world, "benchmark", 0)
    shares, rest = divmod(places, SHARE_OF_EVERYTHING)
    with builder.days_ago(100):
        project = builder.project("Benchmark")
        folders = [builder.folder(project, f"folder {number}") for number in range(FOLDERS)]
        rows: list[tuple[str, str]] = []
        for number in range(shares):
            folder = folders[number % FOLDERS]
            _small_ones(builder, folder, number, files=20)
            _histories(builder, folder, number, files=5)
            consent = builder.text_handle(f"the consent form of site {number}\n" * 20, f"consent_{number:04d}.txt")
            for site in range(4):
                builder.file(folders[site], f"consent_{number:04d}_{site}.txt", consent)
            large = builder.virtual_handle(30 * GIGABYTE, f"sample_{number:04d}.bam")
            _uploaded_by_the_client(world, large)
            builder.file(folder, f"sample_{number:04d}.bam", large)
            protocol = builder.text_handle(f"protocol {number}\n" * 20, f"protocol_{number:04d}.txt")
            for row in range(10):
                name = f"slide_{number:04d}_{row}.txt"
                used = builder.text_handle(f"{name}\n" * 20, name) if row % 2 else protocol
                rows.append((f"row {number}, {row}", used.id))
        _small_ones(builder, project, shares, files=rest)
        if rows:
            _fill(builder, project, rows)
        return builder.facts(project)


def _small_ones(builder: Builder, container: Entity, number: int, *, files: int) -> None:
    for file in range(files):
        name = f"file_{number:04d}_{file:02d}.txt"
        builder.file(container, name, builder.text_handle(f"file {number}, {file}\n" * 20, name))


def _histories(builder: Builder, container: Entity, number: int, *, files: int) -> None:
    """Three versions each; the last one is the first one again."""
    for file in range(files):
        name = f"series_{number:04d}_{file}.txt"
        first, second = (
            builder.text_handle(f"series {number}, {file}, version {version}\n" * 20, name) for version in (1, 2)
        )
        made = builder.file(container, name, first)
        builder.version(made, second)
        builder.version(made, first, comment="as at first")


def cells(world: World, rows: int, *, handles: int) -> ScenarioFacts:
    """One table with a file in every row; its cells use this many handles in turn, or fewer if there are fewer rows."""
    builder = Builder(world, "benchmark", 0)
    handles = min(handles, rows)
    with builder.days_ago(100):
        project = builder.project("Benchmark")
        made = [builder.text_handle(f"cell {number}\n" * 20, f"cell_{number:06d}.txt") for number in range(handles)]
        _fill(builder, project, [(f"row {row}", made[row % handles].id) for row in range(rows)])
        return builder.facts(project)


def _fill(builder: Builder, project: Entity, rows: list[tuple[str, str]]) -> None:
    world = builder.world
    label = world.tables.columns.add(world, "label", ColumnType.STRING)
    file = world.tables.columns.add(world, "file", ColumnType.FILEHANDLEID)
    table = builder.entity(Kind.TABLE, project, "Attached", fields={"columnIds": [label.id, file.id]})
    for start in range(0, len(rows), ROWS_PER_TRANSACTION):
        batch = [{label.id: text, file.id: handle} for text, handle in rows[start : start + ROWS_PER_TRANSACTION]]
        world.tables.append(world, table, batch, user_id=builder.steward.id)
