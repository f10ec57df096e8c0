"""What an auditor gets: an export that answers questions, is the same twice, and a log that shows who touched it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from sandbox.server import SandboxOptions, running_sandbox
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


def test_every_column_of_the_export_is_described(migrated: Project):
    for path in migrated.export("described").glob("*/*.parquet"):
        for name, *_rest in duckdb.sql(f"describe from '{path}'").fetchall():
            assert re.search(rf"\b{name}\b", PAGE), f"{path.parent.name}.{name}"


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


def test_what_has_no_log_is_refused_in_words(migrated: Project, tmp_path: Path):
    for wrong in (tmp_path, tmp_path / "nowhere.duckdb"):
        done = migrated.command("verify-log", str(wrong))
        assert (2, "") == (done.returncode, done.stdout)
        assert str(wrong) in done.stderr
