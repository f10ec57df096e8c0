"""Only a clear yes to a shown plan lets anything be written."""

import io
import sys

import pytest

from storage_core.cli.agreeing import Agreement, PlanNotConfirmed
from storage_core.cli.session import Session
from storage_core.errors import ExitCode
from storage_core.model.canaries import CanaryResult, RungCount
from storage_core.model.copies import EngineName, ProofRung
from storage_core.model.engines import EngineShare
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.items import ItemStatus
from storage_core.model.plans import Plan, StatusCount, WorkAhead
from storage_core.model.settings import EngineOption, MigrationSettings

AHEAD = WorkAhead(copies=2, copy_bytes=10, parts=2, repoints=3, repoint_entities=3, verifications=3, fingerprint="f")
SHARE = EngineShare(
    engine=EngineName.SYNAPSE, bucket="b", copies=2, size_bytes=10, parts=2, calls=8, why="not s3: no keys"
)
PLAN = Plan(
    settings=MigrationSettings(roots=(EntityId("syn1"),), destination=StorageLocationId(9)),
    ahead=AHEAD,
    counts=(),
    engine=EngineOption.AUTO,
    shares=(
        EngineShare(
            engine=EngineName.SYNAPSE, bucket="b", copies=2, size_bytes=10, parts=2, calls=8, why="not s3: no keys"
        ),
    ),
    calls=12,
    seconds_low=1,
    seconds_high=2,
    findings=(),
    hash="abc123",
)


class Person(io.StringIO):
    """Standard input with somebody at it."""

    def isatty(self) -> bool:
        return True


def _session() -> Session:
    return Session(arguments=("migrate", "syn1", "9", "my index.duckdb"))


@pytest.mark.parametrize("answer", ["y\n", "yes\n", " Y \n"])
def test_yes_means_yes(answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", Person(answer))
    assert Agreement(_session(), force=False).reach(PLAN, "ann") == "ann"
    shown = capsys.readouterr()
    assert "Plan hash: abc123" in shown.out
    assert shown.err.endswith("3 items for migration to 9. Proceed? (y/n)? ")


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "ja\n", "yess\n", "no y\n"])
def test_anything_else_means_no(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Person(answer))
    with pytest.raises(PlanNotConfirmed, match="nothing was changed") as caught:
        Agreement(_session(), force=False).reach(PLAN, "ann")
    assert caught.value.exit_code is ExitCode.NOT_CONFIRMED


def test_with_nobody_there_the_plan_is_shown_and_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(PlanNotConfirmed, match=r"migrate syn1 9 .my index\.duckdb. --force"):
        Agreement(_session(), force=False).reach(PLAN, "ann")
    assert "Plan hash: abc123" in capsys.readouterr().out


def test_force_agrees_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert Agreement(_session(), force=True).reach(PLAN, "ann") == "ann (with --force)"


def canary(**items: int) -> CanaryResult:
    counts = [
        StatusCount(status=ItemStatus[status], reason=None, items=count, size_bytes=9)
        for status, count in items.items()
    ]
    return CanaryResult(
        counts=tuple(counts), rungs=(RungCount(rung=ProofRung.PART_ETAG, items=5),), seconds=61.0, calls=44
    )


def test_the_first_question_says_that_a_canary_goes_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Person("y\n"))
    Agreement(_session(), force=False, canary=2).reach(PLAN, "ann")
    assert "3 items for migration to 9, 2 of them first, as a canary. Proceed" in capsys.readouterr().err


def test_what_the_canary_came_to_is_shown_with_the_plan_of_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Person("y\n"))

    assert Agreement(_session(), force=False).go_on(PLAN, canary(MIGRATED=5), "ann", reports=["r/report.html"]) == "ann"

    shown = capsys.readouterr()
    for told in ("Canary of 5 items", "5 part-etag", "44 Synapse calls", "61 s", "r/report.html", "Plan hash: abc123"):
        assert told in shown.out
    assert shown.err.endswith("The canary has ended; 3 items left for migration to 9. Proceed? (y/n)? ")


def test_a_clean_canary_lets_force_go_on_and_any_other_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    forced = Agreement(_session(), force=True)

    assert "ann (with --force)" == forced.go_on(PLAN, canary(MIGRATED=5), "ann", reports=())
    for other in (canary(MIGRATED=4, DRIFTED=1), canary(DRIFTED=1), canary(MIGRATED=4, ROLLED_BACK=1)):
        with pytest.raises(PlanNotConfirmed, match="did not come out clean") as paused:
            forced.go_on(PLAN, other, "ann", reports=())
        assert ExitCode.NOT_CONFIRMED is paused.value.exit_code


def test_with_nobody_there_the_canary_waits_and_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(PlanNotConfirmed, match=r"nothing else was migrated.*index\.duckdb. --force"):
        Agreement(_session(), force=False).go_on(PLAN, canary(MIGRATED=5), "ann", reports=())
