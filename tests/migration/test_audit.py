"""What an auditor gets: an export that answers questions, is the same twice, and a log that shows who touched it."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.server import SandboxOptions, running_sandbox
from storage_core.index.chain import check_log
from tests.migration.harness import command, environment, migrate_words, run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "audit.md").read_text()
QUESTIONS = re.findall(r"^([A-Z][^\n]*\?[^\n]*)\n\n```sql\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)


class Project:
    """A migrated sample project and the commands of its auditor."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self.index = folder / "m.duckdb"
        self._variables = variables

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*words), env=self._variables, capture_output=True, text=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def export(self, name: str) -> Path:
        done = self.command("export", str(self.index), str(self.folder / name))
        assert 0 == done.returncode, done.stderr
        return self.folder / name


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The sample project, migrated once for all tests here; each works on its own index or on none."""
    folder = tmp_path_factory.mktemp("audit")
    with running_sandbox(SandboxOptions(scenario="demo", is_throttled=False, wait_scale=0)) as sandbox:
        words = migrate_words(sandbox, folder / "m.duckdb", "all", "--include-table-files")
        done = run(sandbox, folder, words)
        assert 0 == done.returncode, done.stderr
        yield Project(folder, environment(sandbox, folder))


@pytest.fixture(scope="module")
def exported(migrated: Project) -> Path:
    return migrated.export("to-be-tampered-with")


def test_ten_questions_are_documented():
    assert 10 == len(QUESTIONS)


@pytest.mark.parametrize(("question", "query"), QUESTIONS, ids=[question[:40] for question, _ in QUESTIONS])
def test_the_documented_query_answers_its_question(migrated: Project, question: str, query: str, monkeypatch):
    """As an auditor would: in the folder of the export, with nothing but DuckDB."""
    monkeypatch.chdir(migrated.export("asked"))

    rows = duckdb.sql(query).fetchall()

    none_is_right = "(None" in question or "others change" in question
    assert none_is_right == (not rows), rows


def test_exporting_again_gives_the_same_bytes(migrated: Project):
    first, second = migrated.export("first"), migrated.export("second")

    files = [path.relative_to(first) for path in first.rglob("*") if path.is_file()]
    assert [] == [name for name in files if (first / name).read_bytes() != (second / name).read_bytes()]
    assert len(files) == 6


def test_every_column_of_the_export_is_described_with_its_type_and_in_its_order(exported: Path):
    """The page's tables, column by column, against what is in the files."""
    sections = re.findall(r"^### (\w+_v1)\n(.*?)(?=^##)", PAGE, re.DOTALL | re.MULTILINE)
    described = {
        view: re.findall(r"^\| (\w+) \| (string|int64|int32|timestamp) \| ", text, re.MULTILINE)
        for view, text in sections
    }

    held = {
        path.parent.name: [
            (field.name, "timestamp" if pa.types.is_timestamp(field.type) else str(field.type))
            for field in pq.read_schema(path)
        ]
        for path in exported.glob("*/*.parquet")
    }

    assert held == described


def test_the_log_of_a_migration_is_whole_in_the_index_and_in_its_export(migrated: Project):
    for place in (migrated.index, migrated.export("whole")):
        done = migrated.command("verify-log", str(place))
        assert (0, True) == (done.returncode, "checked; the last hash is" in done.stdout), done.stderr


def test_an_altered_event_is_named_and_so_is_a_shortened_log(migrated: Project, tmp_path: Path):
    """Somebody with a DuckDB of their own rewrites who agreed; later they drop the last event."""
    index = tmp_path / "forged.duckdb"
    index.write_bytes(migrated.index.read_bytes())
    last = migrated.command("verify-log", str(index)).stdout.split("hash is ")[1].split(".")[0]
    with duckdb.connect(str(index)) as connection:
        ((seq,),) = connection.execute("select seq from journal where event = 'plan confirmed'").fetchall()
        connection.execute("update journal set detail = 'somebody else' where seq = ?", [seq])

    forged = migrated.command("verify-log", str(index))

    assert 4 == forged.returncode
    assert f"Event {seq} (plan confirmed) does not follow" in forged.stdout
    assert 1 == forged.stdout.count("does not follow")

    index.write_bytes(migrated.index.read_bytes())
    with duckdb.connect(str(index)) as connection:
        connection.execute("delete from journal where seq = (select max(seq) from journal)")
    assert 0 == migrated.command("verify-log", str(index)).returncode
    shortened = migrated.command("verify-log", "--expect", last, str(index))
    assert (4, True) == (shortened.returncode, f"The last hash is not {last}" in shortened.stdout)


@pytest.fixture
def export(exported: Path, tmp_path: Path) -> Path:
    """A copy of the export, to be altered."""
    return Path(shutil.copytree(exported, tmp_path / "export"))


def rewrite(export: Path, view: str, select: str) -> None:
    """Replace the rows of an exported view, as somebody with a DuckDB of their own would."""
    path = export / view / "part-0001.parquet"
    other = path.with_suffix(".new")
    rows = f"read_parquet('{path}')"
    duckdb.sql(f"copy ({select.format(rows=rows)}) to '{other}' (format parquet)")
    other.replace(path)


SWAPPED = "select * replace (case seq when 3 then 4 when 4 then 3 else seq end as seq) from {rows}"
LATER = "select * replace (recorded_at + if(seq = 3, interval 1 day, interval 0 day) as recorded_at) from {rows}"
TAMPERING: dict[str, tuple[str, str, set[int]]] = {
    "an altered event": ("events_v1", "select * replace (if(seq = 3, 'x', detail) as detail) from {rows}", {3}),
    "another time": ("events_v1", LATER, {3}),
    "a removed event": ("events_v1", "from {rows} where seq <> 3", {3}),
    "the first events removed": ("events_v1", "from {rows} where seq > 2", {1, 2}),
    "an inserted event": (
        "events_v1", "from {rows} union all select 3, recorded_at, event, 'x' from {rows} where seq = 3", {3},
    ),
    "two events exchanged": ("events_v1", SWAPPED, {3, 4}),
    "an altered hash": ("event_chain_v1", "select * replace (if(seq = 3, 'f', hash) as hash) from {rows}", {3, 4}),
    "a removed hash": ("event_chain_v1", "from {rows} where seq <> 3", {3}),
    "no hash at all": ("event_chain_v1", "select seq, cast(null as varchar) as hash from {rows}", set()),
    "an empty chain": ("event_chain_v1", "from {rows} where seq < 0", set()),
    "an altered item": ("items_v1", "select * replace ('MIGRATED' as status) from {rows}", set()),
    "an altered copy": ("copies_v1", "select * replace ('reread' as proof) from {rows}", set()),
    "an altered setting": ("settings_v1", "select name, 'x' as value from {rows}", set()),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERING)
def test_whatever_is_altered_in_an_export_is_named(what: str, export: Path):
    """Events by their numbers, and in any case the file by its name."""
    view, select, events = TAMPERING[what]
    rewrite(export, view, select)

    found = check_log(export)

    assert events == {one.seq for one in found.broken}
    assert (
        f"{view}/part-0001.parquet is not the file that MANIFEST.json names: its SHA-256 differs",
    ) == found.other_files
    assert not found.is_whole


def test_a_log_that_was_cut_off_with_its_chain_does_not_end_as_the_manifest_says(export: Path):
    for view in ("events_v1", "event_chain_v1"):
        rewrite(export, view, "from {rows} where seq < 9")

    found = check_log(export)

    assert ((), False) == (found.broken, found.promised == found.head)


def test_parts_that_are_missing_or_new_in_an_export_are_named(migrated: Project, export: Path):
    (export / "copies_v1" / "part-0001.parquet").rename(export / "copies_v1" / "part-0002.parquet")
    rewrite(export, "events_v1", "from {rows} where seq < 9")

    done = migrated.command("verify-log", str(export))

    assert 4 == done.returncode
    assert "copies_v1/part-0001.parquet is not there." in done.stdout
    assert "copies_v1/part-0002.parquet is not in MANIFEST.json." in done.stdout
    assert "Event 9 is not there: only its hash is left." in done.stdout


def test_an_export_that_was_fetched_from_a_bucket_is_checked_by_the_names_in_its_manifest(export: Path):
    """There the files of each run lie in a folder of their own, beside those of earlier runs."""
    for name in ("abc", "an-earlier-one"):
        (export / "runs" / name).mkdir(parents=True)
    (export / "runs" / "an-earlier-one" / "events_v1.parquet").write_bytes(b"of another time")
    for view in export.glob("*_v1"):
        view.rename(export / "runs" / "abc" / view.name)
    manifest = export / "MANIFEST.json"
    manifest.write_text(manifest.read_text().replace('"name": "', '"name": "runs/abc/'))

    found = check_log(export)

    assert (True, 100) < (found.is_whole, found.events)


def test_hashes_that_are_all_taken_away_do_not_make_an_index_an_old_one(migrated: Project, tmp_path: Path):
    """Only events from before there was a chain may lack a hash; the index remembers when that was."""
    index = tmp_path / "bare.duckdb"
    index.write_bytes(migrated.index.read_bytes())
    with duckdb.connect(str(index)) as connection:
        connection.execute("update journal set hash = null")

    found = check_log(index)

    assert (0, 1) == (found.unchained, found.broken[0].seq)


def test_what_has_no_log_is_refused_in_words(migrated: Project, tmp_path: Path):
    for wrong in (tmp_path, tmp_path / "nowhere.duckdb"):
        done = migrated.command("verify-log", str(wrong))
        assert (2, "") == (done.returncode, done.stdout)
        assert str(wrong) in done.stderr
