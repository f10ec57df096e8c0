"""Faults to be planted in the product on purpose: what each would do to somebody's research, and who must notice."""

from dataclasses import dataclass

HISTORIES = "tests/model"
BOOKS = "tests/crash/test_books.py"
TABLE_EDITS = "tests/people/test_others_change_tables.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One fault.

    Attributes:
        harm: what it would do, in a word.
        how: what the broken code does instead.
        path: the file that is broken.
        old: what stands there, exactly once.
        new: what is put in its place.
        watchmen: the test files that must notice, each of them.
    """

    harm: str
    how: str
    path: str
    old: str
    new: str
    watchmen: tuple[str, ...]


PLANTED: tuple[Planted, ...] = (
    Planted(
        harm="a lost row",
        how="of several repointed places the last one is not recorded",
        path="storage_core/index/repoints.py",
        old="done = [outcome for outcome in outcomes if isinstance(outcome, Repointed)]",
        new="done = [outcome for outcome in outcomes if isinstance(outcome, Repointed)][: max(1, len(outcomes) - 1)]",
        watchmen=(BOOKS, TABLE_EDITS),
    ),
    Planted(
        harm="a lost row",
        how="a container is closed without the last of its children",
        path="storage_core/index/walk.py",
        old="for one in listed for child in one.children)",
        new="for one in listed for child in one.children[: len(one.children) - 1])",
        watchmen=(BOOKS, HISTORIES),
    ),
    Planted(
        harm="a lost row",
        how="of a page of cells the first one is not stored",
        path="storage_core/index/table_walk.py",
        old="for item in page.items if not _is_among(kept, item)]",
        new="for item in page.items[1:] if not _is_among(kept, item)]",
        watchmen=(BOOKS,),
    ),
    Planted(
        harm="a double copy",
        how="every multipart start begins anew, whatever is there already",
        path="storage_core/engines/synapse_copy.py",
        old="force_restart = request.discard_previous",
        new="force_restart = True",
        watchmen=("tests/crash/test_crash_points.py", HISTORIES),
    ),
    Planted(
        harm="a double version",
        how="a table is frozen again although an earlier try has left its version behind",
        path="storage_core/steps/snapshotting.py",
        old="if version.comment == work.comment), None)",
        new="if version.comment is None), None)",
        watchmen=("tests/unit/steps/test_tables.py",),
    ),
    Planted(
        harm="an overwritten edit",
        how="a refused new version is sent again with whatever etag the file has now",
        path="storage_core/steps/repointing.py",
        old="return explain_refused_version(change, found)",
        new="return Repointed(item_id=change.item_id, new_version=await catalog.add_version(\n"
        "            __import__('dataclasses').replace(change, etag=found.etag, body=found.body)))",
        watchmen=("tests/unit/steps/test_repointing.py", HISTORIES),
    ),
    Planted(
        harm="an overwritten edit",
        how="a cell is written whatever it holds, unless it is empty",
        path="storage_core/plan/cells.py",
        old="if held != change.expect:",
        new="if held is None:",
        watchmen=("tests/unit/steps/test_tables.py", HISTORIES),
    ),
    Planted(
        harm="wrong bytes",
        how="ETags are looked at by nobody: every copy of the right size is good",
        path="storage_core/plan/proving.py",
        old="if case.meaning is EtagMeaning.OPAQUE else _judge_etags(case)",
        new="if case.meaning is not None else _judge_etags(case)",
        watchmen=("tests/unit/plan/test_proving.py",),
    ),
)
