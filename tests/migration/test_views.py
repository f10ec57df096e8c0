"""Indexing through file views, from end to end: the same end state, far fewer calls, and no view left behind."""

import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import duckdb
import pytest

from sandbox.server import Sandbox
from sandbox.synapse.columns import ColumnType
from sandbox.synapse.kinds import Kind
from tests.migration.expectation import Expectation, files_in
from tests.migration.harness import migrate_words, run, snapshot

VIEW = ("--index-via", "view")
UNASKED = (*VIEW, "--no-provenance")
ROW_COLUMNS = ("id", "currentVersion", "modifiedOn", "dataFileHandleId", "parentId")


def index_words(sandbox: Sandbox, index: Path, strategy: str, *more: str) -> list[str]:
    facts = sandbox.facts
    words = ["index", facts.root_id, str(facts.destination_id), str(index), "--file-version-strategy", strategy]
    return [*words, "--continue-on-error", *more]


def expectation_of(sandbox: Sandbox, strategy: str, *, tables: bool = False) -> Expectation:
    facts, world = sandbox.facts, sandbox.world
    schemas = [world.tables.schema_of(entity) for entity in world.entities.all() if entity.kind is Kind.TABLE]
    columns = {column.id for schema in schemas for column in schema if column.type is ColumnType.FILEHANDLEID}
    return Expectation(
        snapshot(sandbox),
        facts.root_id,
        facts.destination_id,
        strategy,
        unreadable=set(facts.unreadable_ids),
        file_columns=frozenset(columns) if tables else frozenset(),
    )


def items_in(index: Path) -> list[Any]:
    """What was found, without what differs from run to run."""
    columns = "entity_id, kind, version, indexed_version, row_id, col_id, parent_id, name, from_storage_location_id,"
    more = "from_file_handle_id, file_size, md5, status, reason"
    with duckdb.connect(str(index), read_only=True) as connection:
        return connection.execute(f"select {columns} {more} from items_v1 order by all").fetchall()


def ask(sandbox: Sandbox, method: str, path: str, body: Any = None) -> Any:
    """A call of the colleague's."""
    headers = {
        "Authorization": f"Bearer {sandbox.world.principals.administrator_token}",
        "Content-Type": "application/json",
    }
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{sandbox.url}{path}", data=data, headers=headers, method=method)) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def view_of(sandbox: Sandbox, *names: str, scope: str | None = None, mask: int = 1) -> str:
    """A view of somebody's with these columns."""
    offered = ask(sandbox, "GET", "/repo/v1/column/tableview/defaults?viewEntityType=entityview&viewTypeMask=1")["list"]
    body = {
        "concreteType": "org.sagebionetworks.repo.model.table.EntityView",
        "name": "everything",
        "parentId": sandbox.facts.root_id,
        "scopeIds": [scope or sandbox.facts.root_id],
        "viewTypeMask": mask,
        "columnIds": [one["id"] for one in offered if one["name"] in names],
    }
    return ask(sandbox, "POST", "/repo/v1/entity", body)["id"]


@pytest.mark.parametrize(
    ("strategy", "options"), [("new", VIEW), ("new", UNASKED), ("latest", VIEW), ("all", VIEW)], ids=str
)
def test_the_end_state_is_exact(start_sandbox, tmp_path, strategy, options):
    sandbox = start_sandbox(scenario="mixed")
    expected = expectation_of(sandbox, strategy, tables=True)
    words = migrate_words(sandbox, tmp_path / "m.duckdb", strategy, "--continue-on-error", "--include-table-files")

    done = run(sandbox, tmp_path, [*words, *options])

    assert [] == expected.violations(snapshot(sandbox)), done.stderr
    assert 1 == done.returncode, done.stderr  # one file may not be downloaded
    assert 0 < sandbox.app.traffic.by_call["POST /entity/#/table/query/async/start"]


@pytest.mark.parametrize(("strategy", "options"), [("new", UNASKED), ("all", VIEW)], ids=str)
def test_the_index_is_the_one_that_reading_file_by_file_gives(start_sandbox, tmp_path, strategy, options):
    sandbox = start_sandbox(scenario="mixed")
    for name, more in (("one-by-one", ("--index-via", "bundle")), ("view", options)):
        run(sandbox, tmp_path, index_words(sandbox, tmp_path / name, strategy, *more))
    assert items_in(tmp_path / "one-by-one") == items_in(tmp_path / "view")


@pytest.mark.parametrize(("strategy", "options", "most"), [("latest", VIEW, 5.1), ("new", UNASKED, 5.15)], ids=str)
def test_calls_per_small_file(start_sandbox, tmp_path, strategy, options, most):
    """Everything counted: preflight, walk, view, index, copy, proof, change, reading back."""
    files = 600
    sandbox = start_sandbox(scenario="flat", size=files)
    expected, traffic = expectation_of(sandbox, strategy), sandbox.app.traffic
    index = tmp_path / "m.duckdb"

    assert 0 == run(sandbox, tmp_path, index_words(sandbox, index, strategy, *options)).returncode
    indexing, walk = traffic.by_status.total(), traffic.by_call["POST /entity/children"]
    more_parts = sum((one.content_size or 0) > 5 * 2**30 for one in sandbox.world.handles.all())
    assert 0 == run(sandbox, tmp_path, migrate_words(sandbox, index, strategy, *options)).returncode

    assert [] == expected.violations(snapshot(sandbox))
    # the root; of the one folder a first page, the count of its files, and what else is in it
    assert 1 + 3 == walk
    assert (indexing - walk) / files <= 0.05
    # files of several parts are none of the small ones
    assert (traffic.by_status.total() - 3 * more_parts) / files <= most
    assert 0 == traffic.by_status[429]


def test_what_the_view_leaves_out_or_shows_as_it_was_is_read_by_itself(start_sandbox, tmp_path):
    sandbox = start_sandbox(scenario="flat", size=60)
    files = sorted(files_in(snapshot(sandbox), sandbox.facts.root_id))
    views, world = sandbox.world.tables.views, sandbox.world
    views.unshown = set(files[:5])
    views.hold(world, files[5:15])
    spare = world.handles.require(world.entities.require(files[20]).current.handle_id)
    for one in files[5:10]:  # a new version
        entity = world.entities.require(one)
        world.entities.add_version(world, entity, modified_by=world.principals.colleague.id, handle_id=spare.id)
    for one in files[10:15]:  # another name, same version
        body = ask(sandbox, "GET", f"/repo/v1/entity/{one}")
        ask(sandbox, "PUT", f"/repo/v1/entity/{one}", {**body, "name": f"renamed {one}"})
    expected = expectation_of(sandbox, "new")

    done = run(sandbox, tmp_path, migrate_words(sandbox, tmp_path / "m.duckdb", "new", *UNASKED, "--json"))

    assert 0 == done.returncode, done.stderr
    assert [] == expected.violations(snapshot(sandbox))
    assert {"MIGRATED": 60} == {k: v for k, v in json.loads(done.stdout)["items"]["by_status"].items() if v}
    # the root, the fifteen, and one in a hundred
    assert 15 + 1 <= sandbox.app.traffic.by_call["POST /entity/#/bundle2"] <= 15 + 1 + 2


def wide_project(sandbox: Sandbox) -> tuple[list[str], str]:
    """300 files in a folder, and a folder beside them; more than is listed when a view can tell."""
    files = sorted(files_in(snapshot(sandbox), sandbox.facts.root_id))
    folder = sandbox.world.entities.require(files[0]).parent_id
    body = {"concreteType": "org.sagebionetworks.repo.model.Folder", "name": "inner", "parentId": folder}
    return files, ask(sandbox, "POST", "/repo/v1/entity", body)["id"]


def test_a_view_that_shows_as_many_files_as_there_are_spares_their_listing(start_sandbox, tmp_path):
    sandbox = start_sandbox(scenario="flat", size=300)
    wide_project(sandbox)
    words = {name: index_words(sandbox, tmp_path / name, "latest", *VIEW[:1], name) for name in ("bundle", "view")}
    listings = {}
    for name, command in words.items():
        sandbox.app.traffic.reset()
        assert 0 == run(sandbox, tmp_path, command).returncode
        listings[name] = sandbox.app.traffic.by_call["POST /entity/children"]
    assert items_in(tmp_path / "bundle") == items_in(tmp_path / "view")
    assert {"bundle": 1 + 7 + 1, "view": 1 + 3 + 1} == listings


@pytest.mark.parametrize(
    ("trouble", "is_listed"),
    [
        ("missing", True),
        ("moved in", True),
        ("moved away", False),
        ("moved away and another missing", True),
        ("deleted and another missing", True),
    ],
)
def test_a_container_is_listed_unless_the_view_shows_exactly_its_files(start_sandbox, tmp_path, trouble, is_listed):
    """Also when as many files are shown as there are, but not the same ones: what was moved is not taken for it."""
    sandbox = start_sandbox(scenario="flat", size=300)
    files, _ = wide_project(sandbox)
    views, world, root = sandbox.world.tables.views, sandbox.world, sandbox.facts.root_id
    if "missing" in trouble:
        views.unshown = {files[7]}
    if trouble == "moved in":
        body = ask(sandbox, "GET", f"/repo/v1/entity/{files[3]}")
        ask(sandbox, "PUT", f"/repo/v1/entity/{files[3]}", {**body, "parentId": root})
    views.hold(world, [files[3]])
    if trouble.startswith("moved"):
        target = root if "away" in trouble else world.entities.require(files[0]).parent_id
        body = ask(sandbox, "GET", f"/repo/v1/entity/{files[3]}")
        ask(sandbox, "PUT", f"/repo/v1/entity/{files[3]}", {**body, "parentId": target})
    if trouble.startswith("deleted"):
        ask(sandbox, "DELETE", f"/repo/v1/entity/{files[3]}")
    expected = expectation_of(sandbox, "latest")

    done = run(sandbox, tmp_path, migrate_words(sandbox, tmp_path / "m.duckdb", "latest", *VIEW))

    assert 0 == done.returncode, done.stderr
    assert [] == expected.violations(snapshot(sandbox))
    assert is_listed == ("Listing containers with their files" in done.stderr)


def test_counted_containers_are_listed_when_there_is_no_view_after_all(start_sandbox, tmp_path):
    sandbox = start_sandbox(scenario="flat", size=300)
    sandbox.world.jobs.fail("tableQuery", 400, times=None)
    done = run(sandbox, tmp_path, index_words(sandbox, tmp_path / "m.duckdb", "latest", *VIEW))
    assert 0 == done.returncode, done.stderr
    assert "The file view could not be read" in done.stderr
    assert 300 == sum(row[1] == "file" for row in items_in(tmp_path / "m.duckdb"))
    assert 301 == sandbox.app.traffic.by_call["POST /entity/#/bundle2"]


def test_a_view_that_lags_behind_a_whole_project_costs_calls_and_nothing_else(start_sandbox, tmp_path):
    """Everything was renamed, moved or replaced since the view has looked: no drift, no loss, no old parent."""
    sandbox = start_sandbox(scenario="flat", size=40)
    root = sandbox.facts.root_id
    view = view_of(sandbox, *ROW_COLUMNS, "description")
    sandbox.world.tables.views.hold(sandbox.world, files_in(snapshot(sandbox), root))
    for number, one in enumerate(sorted(files_in(snapshot(sandbox), root))):
        body = ask(sandbox, "GET", f"/repo/v1/entity/{one}")
        change = {"parentId": root} if number % 2 else {"name": f"renamed {number}"}
        ask(sandbox, "PUT", f"/repo/v1/entity/{one}", {**body, **change})
    expected = expectation_of(sandbox, "new")

    words = migrate_words(sandbox, tmp_path / "m.duckdb", "new", "--view", view, "--no-provenance")
    done = run(sandbox, tmp_path, words)

    assert 0 == done.returncode, done.stderr
    assert [] == expected.violations(snapshot(sandbox))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda sandbox: sandbox.facts.root_id, "no entity view but a project"),
        (lambda sandbox: view_of(sandbox, "id", "name"), "lacks the columns currentVersion"),
        (lambda sandbox: view_of(sandbox, *ROW_COLUMNS, mask=8), "does not show files"),
        (lambda sandbox: view_of(sandbox, *ROW_COLUMNS, scope="syn1002"), "does not cover syn1001"),
        (lambda _: "syn99999999", "was not found"),
        (lambda _: "everything", "not a Synapse id"),
    ],
)
def test_a_view_that_will_not_do_is_refused_before_anything_is_read(start_sandbox, tmp_path, make, said):
    sandbox = start_sandbox(scenario="flat", size=30)
    view = make(sandbox)
    before = snapshot(sandbox)
    sandbox.app.traffic.reset()
    done = run(sandbox, tmp_path, index_words(sandbox, tmp_path / "m.duckdb", "latest", "--view", view))
    assert 2 == done.returncode, done.stderr
    assert said in done.stderr
    assert 0 == sandbox.app.traffic.by_call["POST /entity/children"]
    assert before["entities"] == snapshot(sandbox)["entities"]


def test_a_given_view_is_read_and_left_as_it_is(start_sandbox, tmp_path):
    sandbox = start_sandbox(scenario="flat", size=40)
    view = view_of(sandbox, *ROW_COLUMNS)
    before = snapshot(sandbox)
    sandbox.app.traffic.reset()
    done = run(sandbox, tmp_path, index_words(sandbox, tmp_path / "m.duckdb", "latest", "--view", view))
    assert 0 == done.returncode, done.stderr
    assert before["entities"] == snapshot(sandbox)["entities"]
    assert (0, 0) == tuple(sandbox.app.traffic.by_call[one] for one in ("POST /entity", "DELETE /entity/#"))
    # the root and the view itself; no file
    assert 2 == sandbox.app.traffic.by_call["POST /entity/#/bundle2"]


def test_without_the_right_to_create_files_are_read_one_by_one_and_it_is_said(start_sandbox, tmp_path):
    sandbox = start_sandbox(scenario="flat", size=30)
    steward = int(sandbox.world.principals.demo.id)
    rights = frozenset({"READ", "DOWNLOAD", "UPDATE"})
    sandbox.world.access.put(sandbox.world, sandbox.facts.root_id, {steward: rights})
    done = run(sandbox, tmp_path, index_words(sandbox, tmp_path / "m.duckdb", "latest", *VIEW))
    assert 0 == done.returncode, done.stderr
    assert "No file view could be made" in done.stderr
    assert 31 == sandbox.app.traffic.by_call["POST /entity/#/bundle2"]


def test_over_too_many_containers_files_are_read_one_by_one_and_it_is_said(start_sandbox, tmp_path, monkeypatch):
    sandbox = start_sandbox(scenario="flat", size=30)
    monkeypatch.setattr("sandbox.synapse.views.MOST_CONTAINERS", 1)
    before = snapshot(sandbox)
    done = run(sandbox, tmp_path, index_words(sandbox, tmp_path / "m.duckdb", "latest", *VIEW))
    assert 0 == done.returncode, done.stderr
    assert "The file view could not be read" in done.stderr
    assert 31 == sandbox.app.traffic.by_call["POST /entity/#/bundle2"]
    assert before["entities"] == snapshot(sandbox)["entities"]


def test_provenance_that_was_denied_stops_the_run_before_anything_is_written(start_sandbox, tmp_path):
    """And without the option everything is kept."""
    sandbox = start_sandbox(scenario="flat", size=30)
    world = sandbox.world
    activity = world.entities.activities.add(world, created_by=world.principals.demo.id, name="sorted")
    for one in files_in(snapshot(sandbox), sandbox.facts.root_id):
        world.entities.require(one).current.activity_id = activity.id
    expected = expectation_of(sandbox, "new")
    index = tmp_path / "m.duckdb"

    stopped = run(sandbox, tmp_path, migrate_words(sandbox, index, "new", *UNASKED))
    assert 2 == stopped.returncode
    assert "has provenance" in stopped.stderr
    assert expected.before["entities"] == snapshot(sandbox)["entities"]
    done = run(sandbox, tmp_path, migrate_words(sandbox, index, "new", *VIEW))
    assert 0 == done.returncode, done.stderr
    assert [] == expected.violations(snapshot(sandbox))


def test_files_that_nobody_asked_for_provenance_are_in_the_plan_and_read_by_the_next_index(start_sandbox, tmp_path):
    sandbox = start_sandbox(scenario="flat", size=30)
    index = tmp_path / "m.duckdb"
    run(sandbox, tmp_path, index_words(sandbox, index, "new", *UNASKED))
    told = run(sandbox, tmp_path, ["plan", str(index)])
    assert "Nobody looked whether 30 files have provenance" in told.stdout
    sandbox.app.traffic.reset()
    run(sandbox, tmp_path, index_words(sandbox, index, "new"))
    assert 31 == sandbox.app.traffic.by_call["POST /entity/#/bundle2"]
    assert "Nobody looked" not in run(sandbox, tmp_path, ["plan", str(index)]).stdout


def test_indexing_again_makes_a_view_only_when_enough_has_changed(start_sandbox, tmp_path):
    sandbox = start_sandbox(scenario="flat", size=60)
    world = sandbox.world
    look = index_words(sandbox, tmp_path / "m.duckdb", "latest", *VIEW)
    assert 0 == run(sandbox, tmp_path, look).returncode
    files = sorted(files_in(snapshot(sandbox), sandbox.facts.root_id))
    spare = world.entities.require(files[-1]).current.handle_id
    for changed, views in ((3, 0), (40, 1)):
        for one in files[:changed]:
            entity = world.entities.require(one)
            world.entities.add_version(world, entity, modified_by=world.principals.colleague.id, handle_id=spare)
        sandbox.app.traffic.reset()
        done = run(sandbox, tmp_path, look)
        assert 0 == done.returncode, done.stderr
        assert views == sandbox.app.traffic.by_call["POST /entity"]
        assert changed * (1 - views) + 1 == sandbox.app.traffic.by_call["POST /entity/#/bundle2"]
    versions = {row[0]: row[2] for row in items_in(tmp_path / "m.duckdb")}
    assert {one: world.entities.require(one).current.number for one in files} == versions
