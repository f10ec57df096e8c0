"""Uploads from a manifest: checked whole; then files with what is said of them; again: only what changed."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from storage_core.errors import ManifestUnusable, UsageError
from storage_core.model.ids import EntityId
from storage_core.model.transfers import IfCollision, Uploaded, UploadOrder
from storage_core.model.trees import TransferFailure
from storage_core.steps.trees_down import TreeDownloaded
from storage_core.wiring.storage import StorageDesk
from tests.transfers.conftest import Transfers

Outcomes = list[Uploaded | TransferFailure]
Write = Callable[..., Path]
READS = frozenset({"POST /entity/#/bundle2", "POST /entity/child", "POST /entity/children", "POST /entity/header"})


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a manifest; cells of a line are divided by bars."""

    def manifest(*rows: str, between: str = "\t") -> Path:
        path = tmp_path / "manifest"
        path.write_text("".join(between.join(row.split("|")) + "\n" for row in rows))
        return path

    return manifest


@pytest.fixture
def files(container: EntityId, make_file: Callable[..., Path]) -> dict[str, Path]:
    """Three files that no other test has."""
    return {
        name: make_file(name, 100 + number, seed=int(container[3:]))
        for number, name in enumerate(("raw.csv", "clean.csv", "script.py"))
    }


def upload(transfers: Transfers, manifest: Path, *, is_dry: bool = False, parent: EntityId | None = None) -> Outcomes:
    order = UploadOrder(path="", parent_id=parent)
    return transfers.run(lambda desk: desk.manifests_up.upload_manifest(str(manifest), order), is_dry=is_dry)


def download(transfers: Transfers, container: EntityId, folder: Path) -> TreeDownloaded:
    policy = IfCollision.OVERWRITE_LOCAL
    return transfers.run(lambda desk: desk.trees_down.download_tree(container, str(folder), policy))


def results(outcomes: Outcomes) -> dict[str, str]:
    return {
        Path(one.what if isinstance(one, TransferFailure) else one.path).name: (
            str(one.error) if isinstance(one, TransferFailure) else str(one.result)
        )
        for one in outcomes
    }


def ids(outcomes: Outcomes) -> dict[str, EntityId]:
    return {Path(one.path).name: one.entity_id for one in outcomes if isinstance(one, Uploaded)}


def said_of(running: Sandbox, entity_id: EntityId) -> tuple[Any, Any]:
    """Annotations and provenance as the service keeps them."""
    current = running.world.entities.require(entity_id).current
    activity = None if current.activity_id is None else running.world.entities.activities.require(current.activity_id)
    return current.annotations, activity


def writes_of(transfers: Transfers, work: Callable[[], object]) -> dict[str, int]:
    """How often *work* called something that may write, by call."""
    before = Counter(dict(transfers.desk.remote.calls.by_family))
    work()
    made = Counter(dict(transfers.desk.remote.calls.by_family)) - before
    return {call: count for call, count in made.items() if not call.startswith("GET ") and call not in READS}


def linked(container: EntityId, files: dict[str, Path]) -> list[str]:
    """Lines that name what was made from what, in the wrong order."""
    used = f"{files['raw.csv']};https://example.org/x"
    return [
        "path|parent|used|executed|activityName|activityDescription|tissue|age",
        f"{files['clean.csv']}|{container}|{used}|{files['script.py']}|cleaning|by hand|liver|7",
        f"{files['raw.csv']}|{container}||||||",
        f"{files['script.py']}|{container}|||||[a,b]|",
    ]


def test_files_go_up_with_what_is_said_of_them(
    running: Sandbox, transfers: Transfers, container: EntityId, write: Write, files: dict[str, Path]
) -> None:
    """Annotations with their types, provenance with ids and versions of the files that went up before."""
    done = upload(transfers, write(*linked(container, files)))

    assert dict.fromkeys(files, "CREATED") == results(done)
    annotations, activity = said_of(running, ids(done)["clean.csv"])
    assert {
        "tissue": {"type": "STRING", "value": ["liver"]},
        "age": {"type": "LONG", "value": ["7"]},
    } == annotations
    assert ("cleaning", "by hand") == (activity.name, activity.description)
    assert [
        ({"targetId": ids(done)["raw.csv"], "targetVersionNumber": 1}, False),
        ("https://example.org/x", False),
        ({"targetId": ids(done)["script.py"], "targetVersionNumber": 1}, True),
    ] == [(one.get("reference", one.get("url")), one["wasExecuted"]) for one in activity.used]
    assert ({"tissue": {"type": "STRING", "value": ["a", "b"]}}, None) == said_of(running, ids(done)["script.py"])


def test_the_same_manifest_again_writes_nothing(
    running: Sandbox, transfers: Transfers, container: EntityId, write: Write, files: dict[str, Path]
) -> None:
    manifest = write(*linked(container, files))
    upload(transfers, manifest)
    again: list[Outcomes] = []

    writes = writes_of(transfers, lambda: again.append(upload(transfers, manifest)))

    assert dict.fromkeys(files, "UNCHANGED") == results(again[0])
    assert {} == writes


def test_only_what_changed_is_written(
    running: Sandbox, transfers: Transfers, container: EntityId, write: Write, files: dict[str, Path]
) -> None:
    """New content is a new version; a changed annotation changes the version, or makes one with forceVersion."""
    first = upload(transfers, write(*linked(container, files)))
    files["raw.csv"].write_bytes(b"other content")
    lines = linked(container, files)
    lines = [
        f"{line}|{'forceVersion' if line == lines[0] else 'true' if 'script.py|syn' in line else ''}" for line in lines
    ]
    lines[3] = lines[3].replace("[a,b]", "[a,c]")

    second = upload(transfers, write(*lines))

    assert {"raw.csv": "NEW_VERSION", "clean.csv": "UPDATED", "script.py": "NEW_VERSION"} == results(second)
    assert ids(first) == ids(second)
    _, activity = said_of(running, ids(first)["clean.csv"])
    assert {"targetId": ids(first)["raw.csv"], "targetVersionNumber": 2} == activity.used[0]["reference"]
    script = running.world.entities.require(ids(first)["script.py"])
    assert [["a", "b"], ["a", "c"]] == [one.annotations["tissue"]["value"] for one in script.versions]  # type: ignore[call-overload,index]
    assert 1 == len({one.handle_id for one in script.versions})


def test_a_dry_run_says_what_would_become_and_writes_nothing(
    running: Sandbox, transfers: Transfers, container: EntityId, write: Write, files: dict[str, Path]
) -> None:
    manifest = write(*linked(container, files))
    told: list[Outcomes] = []
    writes = writes_of(transfers, lambda: told.append(upload(transfers, manifest, is_dry=True)))
    done = upload(transfers, manifest)
    files["clean.csv"].write_bytes(b"other content")

    writes |= writes_of(transfers, lambda: told.append(upload(transfers, manifest, is_dry=True)))

    assert {} == writes
    assert results(done) == results(told[0])
    assert {"raw.csv": "UNCHANGED", "clean.csv": "NEW_VERSION", "script.py": "UNCHANGED"} == results(told[1])
    assert 2 == next(one.version for one in told[1] if isinstance(one, Uploaded) and one.result == "NEW_VERSION")


def test_every_bad_line_is_named_before_the_first_byte_moves(
    running: Sandbox,
    transfers: Transfers,
    container: EntityId,
    write: Write,
    files: dict[str, Path],
    make_file: Callable[..., Path],
    desk: StorageDesk,
) -> None:
    """Of this machine first, then of Synapse; nothing is written in either case."""
    folder = desk.network.run(desk.storage.folder_named("below", container)).id
    done = upload(transfers, write("path|parent", f"{files['script.py']}|{container}"))
    file_id = ids(done)["script.py"]
    raw, empty = files["raw.csv"], make_file("empty.csv", 0)
    here = write(
        "path|parent|used|age",
        f"/not/there.csv|{container}||",
        f"{raw.parent}|{container}||",
        f"{raw}|{container}||[true,7]",
    )
    there = write  # one after the other: they are the same file

    with pytest.raises(ManifestUnusable) as on_this_machine:
        upload(transfers, here)
    manifest = there(
        "path|parent|id|used",
        f"{raw}|syn999999||",
        f"{raw}|{file_id}||",
        f"{raw}||{folder}|",
        f"{raw}|{container}||syn999998;syn{file_id[3:]}.7;{file_id}.1",
        f"{files['clean.csv']}|{container}||elsewhere.csv",
    )
    found: list[str] = []

    def refused() -> None:
        with pytest.raises(ManifestUnusable) as caught:
            upload(transfers, manifest)
        found.append(str(caught.value))

    assert {} == writes_of(transfers, refused)
    with pytest.raises(ManifestUnusable) as of_places:
        upload(transfers, write("path|parent", f"{raw}|{container}", f"{empty}|{container}"))

    assert_says(str(on_this_machine.value), (2, "is not there"), (3, "is no file"), (4, "do not go together"))
    assert_says(
        found[0],
        (2, "syn999999 is not there"),
        (3, f"{file_id} (script.py) is a file"),
        (4, f"{folder} (below) is a folder, no file"),
        (5, "syn999998 is not there"),
        (5, f"{file_id}.7 is not there"),
        (6, "'elsewhere.csv' is no Synapse id"),
    )
    assert_says(str(of_places.value), (3, "is empty"))


def assert_says(message: str, *lines: tuple[int, str]) -> None:
    told = [line.strip() for line in message.splitlines() if line.strip().startswith("line ")]
    assert len(lines) == len(told), message
    for (number, said), line in zip(lines, told, strict=True):
        assert line.startswith(f"line {number}: ")
        assert said in line


def test_files_made_from_each_other_are_refused(
    transfers: Transfers, container: EntityId, write: Write, files: dict[str, Path]
) -> None:
    raw, clean = files["raw.csv"], files["clean.csv"]
    manifest = write("path|parent|used", f"{raw}|{container}|{clean}", f"{clean}|{container}|{raw}")

    with pytest.raises(ManifestUnusable, match="made from each other"):
        upload(transfers, manifest)


def test_what_was_made_from_a_failed_file_fails_and_the_others_arrive(
    transfers: Transfers, container: EntityId, write: Write, files: dict[str, Path], desk: StorageDesk
) -> None:
    """A folder has the name of the file."""
    desk.network.run(desk.storage.folder_named("raw.csv", container))

    done = results(upload(transfers, write(*linked(container, files))))

    assert "is a folder, no file" in done["raw.csv"]
    assert "which could not be uploaded" in done["clean.csv"]
    assert "CREATED" == done["script.py"]


def test_a_downloaded_tree_given_back_writes_nothing(
    running: Sandbox, transfers: Transfers, container: EntityId, write: Write, files: dict[str, Path], tmp_path: Path
) -> None:
    """Texts that look like numbers, line breaks, addresses with semicolons, names of addresses, linked files."""
    lines = [*linked(container, files), f"http://127.0.0.1:9/far.csv|{container}||||||"]
    done = ids(upload(transfers, write(*lines)))
    current = running.world.entities.require(done["raw.csv"]).current
    current.annotations = {
        "batch": {"type": "STRING", "value": ["007", "8"]},
        "note": {"type": "STRING", "value": ["two\nlines"]},
        "when": {"type": "TIMESTAMP_MS", "value": ["1577836800000"]},
    }
    add_activity(running, done["raw.csv"])
    linked_file = running.world.entities.require(done["far.csv"])
    assert linked_file.current.handle_id is not None
    far = tmp_path / "far.csv"
    far.write_text("fetched by other means")
    down = download(transfers, container, tmp_path / "down")
    text = Path(down.manifest_path).read_text()
    far_line = f"{far}\t{container}\tfar.csv\t{done['far.csv']}\tFalse\n"
    Path(down.manifest_path).write_text(text + far_line if "far.csv" not in text else text)
    again: list[Outcomes] = []

    writes = writes_of(transfers, lambda: again.append(upload(transfers, Path(down.manifest_path))))

    assert {"UNCHANGED"} == set(results(again[0]).values()), results(again[0])
    assert {} == writes
    assert {*done.values()} == {*ids(again[0]).values()}


def add_activity(running: Sandbox, entity_id: EntityId) -> None:
    world = running.world
    used = (
        {"concreteType": "UsedURL", "wasExecuted": True, "url": "https://example.org/a;b", "name": "the tool"},
        {"concreteType": "UsedEntity", "wasExecuted": False, "reference": {"targetId": entity_id}},
    )
    made = world.entities.activities.add(world, created_by=world.principals.demo.id, name="by hand", used=used)
    world.entities.require(entity_id).current.activity_id = made.id


def test_names_that_the_clients_manifests_show_are_understood(
    running: Sandbox, transfers: Transfers, container: EntityId, write: Write, files: dict[str, Path]
) -> None:
    """The client writes the name of an address where it has one."""
    done = ids(upload(transfers, write("path|parent", f"{files['raw.csv']}|{container}")))
    add_activity(running, done["raw.csv"])
    manifest = write(
        "path,parentId,ID,used,executed,activityName",
        f"{files['raw.csv']},{container},{done['raw.csv']},{done['raw.csv']},the tool,by hand",
        between="|",
    )

    assert {"raw.csv": "UNCHANGED"} == results(upload(transfers, manifest))


def test_an_address_becomes_a_file_that_refers_to_it(
    running: Sandbox, transfers: Transfers, container: EntityId, write: Write
) -> None:
    manifest = write("path|parent|used|age", f"https://example.org/far.csv|{container}|https://example.org/src|7")
    made = upload(transfers, manifest)
    again = upload(transfers, manifest)

    entity = running.world.entities.require(ids(made)["far.csv"])
    handle = running.world.handles.require(entity.current.handle_id or "")
    assert ({"far.csv": "CREATED"}, {"far.csv": "UNCHANGED"}) == (results(made), results(again))
    assert "https://example.org/far.csv" == handle.external_url
    assert {"age": {"type": "LONG", "value": ["7"]}} == entity.current.annotations


def test_an_entity_elsewhere_is_not_moved(
    transfers: Transfers, container: EntityId, write: Write, files: dict[str, Path], desk: StorageDesk
) -> None:
    other = desk.network.run(desk.storage.folder_named("other", container)).id
    done = ids(upload(transfers, write("path|parent", f"{files['raw.csv']}|{container}")))

    moved = upload(transfers, write("path|parent|id", f"{files['raw.csv']}|{other}|{done['raw.csv']}"))

    assert f"lies in {container}, not in {other}" in results(moved)["raw.csv"]


def test_somebody_elses_annotations_of_the_same_moment_stay(
    running: Sandbox,
    transfers: Transfers,
    container: EntityId,
    write: Write,
    files: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They were written between our reading and our writing: the etag tells, and both are there afterwards."""
    from storage_core.synapse.files import SynapseFiles

    done = ids(upload(transfers, write("path|parent", f"{files['raw.csv']}|{container}")))
    entity = running.world.entities.require(done["raw.csv"])
    really = SynapseFiles.annotate
    seen: list[str] = []

    async def late(self: SynapseFiles, entity_id: EntityId, etag: str, annotations: Any) -> None:
        if not seen:
            seen.append(etag)
            entity.current.annotations = {"theirs": {"type": "STRING", "value": ["kept"]}}
            running.world.entities.touch(running.world, entity, running.world.principals.demo.id)
        await really(self, entity_id, etag, annotations)

    monkeypatch.setattr(SynapseFiles, "annotate", late)
    upload(transfers, write("path|parent|ours", f"{files['raw.csv']}|{container}|new"))

    assert {"theirs": ["kept"], "ours": ["new"]} == {
        name: one["value"]  # type: ignore[index]
        for name, one in entity.current.annotations.items()
    }


def test_a_manifest_that_cannot_be_read_is_said_so(transfers: Transfers, tmp_path: Path) -> None:
    latin = tmp_path / "latin.tsv"
    latin.write_bytes("path\tparent\nä\tsyn1\n".encode("latin-1"))

    with pytest.raises(UsageError, match=r"is no text in UTF-8: .* Save it as UTF-8\."):
        upload(transfers, latin)
    with pytest.raises(UsageError, match="There is no file"):
        upload(transfers, tmp_path / "missing.tsv")
