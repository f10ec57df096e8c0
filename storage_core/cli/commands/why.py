"""`synapse-storage why`: the life of one entity's items, from the index alone."""

from typing import Annotated

import typer

from storage_core.cli.arguments import IndexArgument, parse_versioned_entity_id
from storage_core.cli.reporting import reading
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode, UsageError
from storage_core.reports.lives import lives_document, lives_view, read_lives


def why(
    ctx: typer.Context,
    entity: Annotated[
        str, typer.Argument(metavar="ENTITY", help="syn123, 123, or one version: syn123.4.", show_default=False)
    ],
    index: IndexArgument,
) -> ExitCode:
    """Tell what became of ENTITY's file versions or table cells, why, by which proof, and when."""
    session = session_of(ctx)
    entity_id, version = parse_versioned_entity_id(entity)
    with reading(index) as reader:
        lives = read_lives(reader, entity_id, version=version)
    if not lives:
        which = entity_id if version is None else f"{entity_id}.{version}"
        raise UsageError(
            f"{which} has no items in this index.",
            fix="Items are files and table cells; check the id, and that it lies below the indexed entity.",
        )
    session.show(lives_view(lives))
    session.document(lives_document(lives))
    return ExitCode.DONE
