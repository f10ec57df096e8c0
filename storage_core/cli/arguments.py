"""Arguments and options that several commands share, each spelled once."""

from pathlib import Path
from typing import Annotated

import typer

from storage_core.errors import UsageError
from storage_core.model.ids import EntityId, parse_entity_id, parse_entity_ids, parse_storage_location_id
from storage_core.model.settings import EngineOption, FileVersionStrategy, IndexOptions, IndexVia, MigrationSettings
from storage_core.plan.viewing import check_options

EntityArgument = Annotated[
    str,
    typer.Argument(
        metavar="ENTITY",
        help="Project, folder, file or table: syn123 or 123; several in one run: syn123,syn456.",
        show_default=False,
    ),
]
LocationArgument = Annotated[
    str,
    typer.Argument(metavar="LOCATION_ID", help="Storage location the bytes move to; your own.", show_default=False),
]
IndexArgument = Annotated[
    Path, typer.Argument(metavar="INDEX", help="The migration's index, a .duckdb file.", show_default=False)
]
StrategyOption = Annotated[
    FileVersionStrategy,
    typer.Option(
        "--file-version-strategy",
        help="new: add a version. latest, all: change the newest or every version in place. skip: tables only.",
    ),
]
TablesOption = Annotated[bool, typer.Option("--include-table-files", help="Also files attached to tables.")]
SourcesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source-storage-location-ids",
        metavar="ID...",
        help="Only bytes in these storage locations; several ids may follow.",
        show_default=False,
    ),
]
ContinueOption = Annotated[
    bool, typer.Option("--continue-on-error", help="Go on past single failures instead of stopping at the first.")
]
FailuresOption = Annotated[
    str | None,
    typer.Option(
        "--max-failures",
        metavar="N|P%",
        help="Stop when more items than N, or more than P percent, have failed (exit code 5).",
        show_default=False,
    ),
]
IndexViaOption = Annotated[
    IndexVia,
    typer.Option(
        "--index-via",
        help="view: through a temporary file view, always deleted. bundle: file by file. auto: through --view, if any.",
    ),
]
ViewOption = Annotated[
    str | None,
    typer.Option(
        "--view", metavar="ID", help="Read files through this file view; it is left as it is.", show_default=False
    ),
]
NoProvenanceOption = Annotated[
    bool,
    typer.Option(
        "--no-provenance",
        help="No file has provenance. Only for strategy new and a view, which then spares a call per file.",
    ),
]


CanaryOption = Annotated[
    int | None,
    typer.Option(
        "--canary",
        metavar="N",
        help="First take N items, of all kinds and sizes, to the verified end; then ask whether to go on.",
        show_default=False,
    ),
]


def index_options(via: IndexVia, view: str | None, *, no_provenance: bool) -> IndexOptions:
    """How the index is filled, from the words on the command line.

    Raises:
        UsageError: the view's id is none, or the words contradict each other.
    """
    options = IndexOptions(
        via=via, view=None if view is None else parse_entity_id(view), asks_provenance=not no_provenance
    )
    check_options(options)
    return options


EngineWish = Annotated[
    EngineOption,
    typer.Option(
        "--engine",
        help="Who copies: synapse; s3 with AWS keys of your own; auto takes s3 wherever those keys suffice.",
    ),
]
AwsProfile = Annotated[
    str | None,
    typer.Option("--aws-profile", help="AWS profile whose keys the engine s3 uses.", show_default="the environment's"),
]


def settings_from(
    entity: str, location: str, sources: list[str] | None, strategy: FileVersionStrategy, *, include_tables: bool
) -> MigrationSettings:
    """The settings that the words on the command line stand for.

    Raises:
        UsageError: an id is none, or there is nothing to migrate.
    """
    if strategy is FileVersionStrategy.SKIP and not include_tables:
        raise UsageError(
            "Skipping both file entities and files attached to tables leaves nothing to migrate.",
            fix="Add --include-table-files, or choose another --file-version-strategy.",
        )
    return MigrationSettings(
        roots=parse_entity_ids(entity),
        destination=parse_storage_location_id(location),
        source_location_ids=tuple(dict.fromkeys(parse_storage_location_id(source) for source in sources or ())),
        strategy=strategy,
        include_tables=include_tables,
    )


def parse_versioned_entity_id(text: str) -> tuple[EntityId, int | None]:
    """``syn123`` or ``syn123.4``: the id, and the version if one was given.

    Raises:
        UsageError: it is neither.
    """
    entity, dot, version = text.partition(".")
    if not dot:
        return parse_entity_id(entity), None
    if not version.isascii() or not version.isdigit():
        raise UsageError(f"{text!r} is not a Synapse id.", fix="Give it as syn123, 123 or, with a version, syn123.4.")
    return parse_entity_id(entity), int(version)
