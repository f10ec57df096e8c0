"""`synapse-storage import-index`: carry on with a migration that synapseclient began."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storage_core.cli.arguments import IndexArgument
from storage_core.cli.going_on import command_to_go_on
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.reports.wording import counted

if TYPE_CHECKING:
    from storage_core.model.adoptions import Adoption


def import_index(
    ctx: typer.Context,
    old: Annotated[
        Path, typer.Argument(metavar="OLD.db", help="The index that synapseclient made.", show_default=False)
    ],
    index: IndexArgument,
) -> ExitCode:
    """Make INDEX from an index of synapseclient, which stays as it is. Asks Synapse nothing.

    The next `migrate` looks at what cannot be trusted again, and goes on with the rest.
    """
    from storage_core.index.importing import import_old_index  # late: the database is slow to import

    session = session_of(ctx)
    imported = import_old_index(old, index)
    go_on = command_to_go_on(imported.adoption.settings, index)
    session.document(_document(old, index, imported.sha256, imported.adoption, go_on))
    session.print_line(_told(imported.adoption))
    session.print_line(f"Go on with: {go_on}")
    return ExitCode.DONE


def _told(adoption: "Adoption") -> str:
    counts = adoption.counts
    return (
        f"Imported {counted(counts.rows, 'row')} made by {adoption.maker}."
        f" Of them {counts.migrated} migrated, {counts.already_there} there before, {counts.waiting} waiting,"
        f" {counts.not_migrated} failed to migrate,"
        f" {counts.not_indexed} failed to be indexed."
    )


def _document(old: Path, index: Path, sha256: str, adoption: "Adoption", go_on: str) -> dict[str, Any]:
    counts = adoption.counts
    return {
        "format": "synapse-storage/import/1",
        "old_index": str(old),
        "old_index_sha256": sha256,
        "made_by": str(adoption.maker),
        "index": str(index),
        "rows": counts.rows,
        "repeated": counts.repeated,
        "containers": counts.containers,
        "waiting": counts.waiting,
        "migrated": counts.migrated,
        "already_there": counts.already_there,
        "failed_to_index": counts.not_indexed,
        "failed_to_migrate": counts.not_migrated,
        "go_on": go_on,
    }
