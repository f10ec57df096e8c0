"""Every exit code of the documentation, reached through the real command by the situation it stands for.

Scripts and schedulers decide by these numbers alone, so each is met here, end to end, and none is missing.
"""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import command, environment, run, snapshot, writes

from sandbox.faults import FaultKind, FaultRule
from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from storage_core.cli.main import EPILOG
from storage_core.errors import ExitCode

FILES = 4
SWAP = "/filehandle$"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    options = SandboxOptions(scenario="flat", size=FILES, is_throttled=False, wait_scale=0)
    with running_sandbox(options) as running:
        yield running


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a situation is set up: a sandbox, a home, and how commands are spelled there."""

    sandbox: Sandbox
    home: Path

    @property
    def index(self) -> Path:
        return self.home / "m.duckdb"

    def words(self, verb: str, *more: str, root: str | None = None) -> list[str]:
        facts = self.sandbox.facts
        assert facts is not None
        where = [root or facts.root_id, str(facts.destination_id), str(self.index)]
        return [verb, *where, "--file-version-strategy", "latest", *more]

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return run(self.sandbox, self.home, words, **more)

    def migrate(self, *more: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return self.run(*self.words("migrate", "--force", *more), **environ)

    def refuse(self, path: str, *, status: int, times: int | None = None, method: str = "PUT") -> None:
        rule = FaultRule(kind=FaultKind.STATUS_BEFORE, method=method, path=path, status=status, times=times)
        self.sandbox.faults.add(rule)


Ended = subprocess.CompletedProcess[str]
Situation = Callable[[Desk], Ended]


def everything_is_migrated(desk: Desk) -> Ended:
    return desk.migrate()


def there_is_nothing_left_to_do(desk: Desk) -> Ended:
    assert 0 == desk.migrate().returncode
    return desk.run(*desk.words("migrate"))


def one_file_may_not_be_changed(desk: Desk) -> Ended:
    desk.refuse(SWAP, status=403, times=1)
    return desk.migrate("--continue-on-error")


def the_first_failure_ends_the_run(desk: Desk) -> Ended:
    desk.refuse(SWAP, status=403, times=1)
    return desk.migrate()


def somebody_changed_a_file_meanwhile(desk: Desk) -> Ended:
    words = desk.words("index", "--file-version-strategy", "new")
    desk.run(*words)
    world, facts = desk.sandbox.world, desk.sandbox.facts
    entity = world.entities.require(facts.expectation.versions[0].entity_id)
    world.entities.touch(world, entity, world.principals.colleague.id)
    return desk.migrate("--file-version-strategy", "new", "--continue-on-error")


def an_id_is_none(desk: Desk) -> Ended:
    return desk.run(*desk.words("migrate", "--force", root="my-project"))


def an_option_is_unknown(desk: Desk) -> Ended:
    return desk.migrate("--forse")


def the_token_is_wrong(desk: Desk) -> Ended:
    return desk.migrate(SYNAPSE_AUTH_TOKEN="not-a-token-of-this-service")


def the_destination_is_somebody_elses(desk: Desk) -> Ended:
    words = desk.words("index")
    words[2] = "1"
    return desk.run(*words)


def what_is_read_back_differs_from_what_was_written(desk: Desk) -> Ended:
    """The last look at the new handle shows another size than the one that was attached."""
    file = desk.sandbox.facts.expectation.versions[0].entity_id
    with running_sandbox(desk.sandbox.options) as twin:
        ahead = Desk(sandbox=twin, home=desk.home / "twin")
        ahead.home.mkdir()
        assert 0 == ahead.run(*ahead.words("migrate", "--force", root=file)).returncode
        new = max(snapshot(twin)["handles"].values(), key=lambda handle: int(handle["id"]))
    body = json.dumps({"requestedFiles": [{"fileHandleId": new["id"], "fileHandle": {**new, "contentSize": 1}}]})
    desk.sandbox.faults.add(
        FaultRule(kind=FaultKind.STATUS_BEFORE, path="/fileHandle/batch", skip=1, times=1, status=201, body=body)
    )
    return desk.run(*desk.words("migrate", "--force", root=file))


def a_migrated_handle_changed_since(desk: Desk) -> Ended:
    assert 0 == desk.migrate().returncode
    with duckdb.connect(str(desk.index), read_only=True) as database:
        ((handle,),) = database.execute("select max(to_file_handle_id) from items_v1").fetchall()
    desk.sandbox.world.handles.change(handle, content_md5="0" * 32)
    return desk.run("verify", str(desk.index))


def more_fails_than_is_allowed(desk: Desk) -> Ended:
    desk.refuse(SWAP, status=403)
    return desk.migrate("--max-failures", "1")


def a_larger_share_fails_than_is_allowed(desk: Desk) -> Ended:
    """Copies that went well before do not make the share of places that failed look small."""
    with running_sandbox(SandboxOptions(scenario="flat", size=120, is_throttled=False)) as larger:
        # not at once: outcomes are gathered for up to a second before they are looked at
        slowly = FaultRule(
            kind=FaultKind.STATUS_BEFORE, method="PUT", path=SWAP, status=403, times=None, delay_seconds=0.1
        )
        larger.faults.add(slowly)
        there = Desk(sandbox=larger, home=desk.home)
        ended = there.migrate("--max-failures", "30%")
        with duckdb.connect(str(there.index), read_only=True) as database:
            ((failed,),) = database.execute("select count(*) from items_v1 where status = 'ERRORED'").fetchall()
    assert 36 < failed < 120, "what was under way is recorded, and no more was begun"
    return ended


def nobody_is_there_to_agree(desk: Desk) -> Ended:
    return desk.run(*desk.words("migrate"))


def another_process_holds_the_index(desk: Desk) -> Ended:
    desk.run(*desk.words("index"))
    with duckdb.connect(str(desk.index)):
        return desk.migrate()


def nobody_answers(desk: Desk) -> Ended:
    return desk.migrate(SYNAPSE_REPO_ENDPOINT="http://127.0.0.1:9/repo/v1", SYNAPSE_PATIENCE_SECONDS="0")


def somebody_presses_ctrl_c(desk: Desk) -> Ended:
    """While copies are under way."""
    desk.sandbox.app.latency.seconds = 0.1
    words = command(*desk.words("migrate", "--force"))
    with subprocess.Popen(
        words,
        env=environment(desk.sandbox, desk.home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        give_up = time.monotonic() + 60
        while not desk.sandbox.app.traffic.by_call["POST /file/multipart"] and time.monotonic() < give_up:
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        _, told = program.communicate(timeout=60)
    return subprocess.CompletedProcess(words, program.returncode, "", told)


SITUATIONS: list[tuple[ExitCode, Situation, str]] = [
    (ExitCode.DONE, everything_is_migrated, "Completed migration"),
    (ExitCode.DONE, there_is_nothing_left_to_do, "No files found needing migration"),
    (ExitCode.SOME_FAILED, one_file_may_not_be_changed, "1 error encountered"),
    (ExitCode.SOME_FAILED, the_first_failure_ends_the_run, "--continue-on-error"),
    (ExitCode.SOME_FAILED, somebody_changed_a_file_meanwhile, "Completed migration"),
    (ExitCode.USAGE, an_id_is_none, "my-project"),
    (ExitCode.USAGE, an_option_is_unknown, "--forse"),
    (ExitCode.ACCESS, the_token_is_wrong, "token"),
    (ExitCode.ACCESS, the_destination_is_somebody_elses, "belongs to somebody else"),
    (ExitCode.MISMATCH, what_is_read_back_differs_from_what_was_written, "first failure"),
    (ExitCode.MISMATCH, a_migrated_handle_changed_since, ""),
    (ExitCode.THRESHOLD, more_fails_than_is_allowed, "--max-failures"),
    (ExitCode.THRESHOLD, a_larger_share_fails_than_is_allowed, "--max-failures"),
    (ExitCode.NOT_CONFIRMED, nobody_is_there_to_agree, "--force"),
    (ExitCode.INDEX_IN_USE, another_process_holds_the_index, "in use by process"),
    (ExitCode.UNAVAILABLE, nobody_answers, "127.0.0.1:9"),
    (ExitCode.INTERRUPTED, somebody_presses_ctrl_c, "same command"),
]
CHANGE_NOTHING = {ExitCode.USAGE, ExitCode.ACCESS, ExitCode.NOT_CONFIRMED, ExitCode.INDEX_IN_USE, ExitCode.UNAVAILABLE}


@pytest.mark.parametrize(
    ("code", "situation", "says"), SITUATIONS, ids=[f"{int(code)}-{one.__name__}" for code, one, _ in SITUATIONS]
)
def test_the_code_and_a_sentence(sandbox, tmp_path, code, situation, says):
    """The number for scripts, words for people, no traceback; and a refused run has written nothing."""
    before = snapshot(sandbox)

    ended = situation(Desk(sandbox=sandbox, home=tmp_path))

    assert int(code) == ended.returncode, ended.stdout + ended.stderr
    assert says in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
    if code in CHANGE_NOTHING:
        assert before == snapshot(sandbox)
        assert 0 == writes(sandbox)


def test_every_documented_code_is_reached_and_no_other_exists(repository):
    page = (repository / "docs" / "cli.md").read_text(encoding="utf-8")
    table = {int(number) for number in re.findall(r"^\| (\d+) \|", page, flags=re.MULTILINE)}
    in_help = {int(number) for number in re.findall(r"(?:: |; )(\d+) ", EPILOG)}
    reached = {int(code) for code, _, _ in SITUATIONS}
    assert {int(code) for code in ExitCode} == table == in_help == reached
