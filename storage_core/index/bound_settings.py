"""The settings an index file is bound to, as rows of names and values that people can read."""

from collections.abc import Mapping

from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.settings import FileVersionStrategy, MigrationSettings

ROOTS = "root_ids"
DESTINATION = "destination_storage_location_id"
SOURCES = "source_storage_location_ids"
STRATEGY = "file_version_strategy"
TABLES = "include_table_files"


def to_rows(settings: MigrationSettings) -> list[tuple[str, str]]:
    """Names and values; lists sorted and without repeats, so that equal questions look equal."""
    roots = sorted(set(settings.roots), key=lambda root: (len(root), root))
    return [
        (ROOTS, ",".join(roots)),
        (DESTINATION, str(settings.destination)),
        (SOURCES, ",".join(str(source) for source in sorted(set(settings.source_location_ids)))),
        (STRATEGY, settings.strategy.value),
        (TABLES, "true" if settings.include_tables else "false"),
    ]


def from_rows(values: Mapping[str, str]) -> MigrationSettings:
    """The settings again.

    Raises:
        KeyError, ValueError: a name is missing, or a value is none of ours.
    """
    return MigrationSettings(
        roots=tuple(EntityId(root) for root in values[ROOTS].split(",") if root),
        destination=StorageLocationId(int(values[DESTINATION])),
        source_location_ids=tuple(StorageLocationId(int(text)) for text in values[SOURCES].split(",") if text),
        strategy=FileVersionStrategy(values[STRATEGY]),
        include_tables=values[TABLES] == "true",
    )


def differences(bound: MigrationSettings, asked: MigrationSettings) -> list[str]:
    """One sentence part for each setting that differs, with both values."""
    asked_values = dict(to_rows(asked))
    return [
        f"{name} is {value or 'any'!r} in the index, {asked_values[name] or 'any'!r} was asked for"
        for name, value in to_rows(bound)
        if value != asked_values[name]
    ]
