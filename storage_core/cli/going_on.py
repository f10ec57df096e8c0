"""The command that carries on with an index."""

import shlex
from pathlib import Path

from storage_core.cli.session import PROGRAM
from storage_core.model.settings import MigrationSettings


def command_to_go_on(settings: MigrationSettings, index: Path) -> str:
    """`migrate` with every setting the index is bound to, ready for a shell."""
    words = [PROGRAM, "migrate", ",".join(settings.roots), str(settings.destination), str(index)]
    words += ["--file-version-strategy", str(settings.strategy)]
    if settings.include_tables:
        words.append("--include-table-files")
    if settings.source_location_ids:
        words += ["--source-storage-location-ids", *(str(source) for source in settings.source_location_ids)]
    return shlex.join(words)
