"""What a scenario promises: where things are, and what everything in it looked like when it was built.

The expectation is written down while the scenario is built, from what was meant, not read back from the world:
tests compare the world, an index or a report with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Annotations = Mapping[str, tuple[str, tuple[object, ...]]]
"""Annotation name to its type and values."""


class Trait(StrEnum):
    """What is special about a file version or a cell."""

    ORDINARY = "ordinary"
    HUGE = "huge"
    """Above 5 GiB: no single copy request can move it."""
    EMPTY = "empty"
    EXTERNAL_URL = "external-url"
    AT_DESTINATION = "at-destination"
    OTHER_SOURCE = "other-source"
    """In the second source location."""
    ARCHIVED = "archived"
    NO_MD5 = "no-md5"
    NOT_DOWNLOADABLE = "not-downloadable"
    LEGACY_NAME = "legacy-name"
    """Today's rules for names would refuse it."""
    GOOGLE_CLOUD = "google-cloud"
    OBJECT_STORE = "object-store"
    PROXY = "proxy"
    STS = "sts"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedVersion:
    """One version of one file entity.

    Attributes:
        path: the names of the folders above, below the project, joined by slashes.
        location_id: as recorded on the handle; None for old handles, which means 1.
        size: as recorded on the handle, like *md5*; None where nothing is recorded.
    """

    entity_id: str
    name: str
    path: str
    number: int
    is_current: bool
    label: str
    handle_id: str
    file_name: str
    size: int | None
    md5: str | None
    location_id: int | None
    trait: Trait = Trait.ORDINARY
    comment: str | None = None
    description: str | None = None
    activity_id: str | None = None
    annotations: Annotations = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCell:
    """One cell of a file column. `handle_id` is None for an empty cell."""

    table_id: str
    row_id: int
    column: str
    handle_id: str | None
    size: int | None
    md5: str | None
    location_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Everything with a file handle, and how many entities of each kind there are below the root."""

    versions: tuple[ExpectedVersion, ...] = ()
    cells: tuple[ExpectedCell, ...] = ()
    entity_counts: Mapping[str, int] = field(default_factory=dict)

    def of_trait(self, *traits: Trait) -> list[ExpectedVersion]:
        """The versions with one of these traits."""
        return [version for version in self.versions if version.trait in traits]

    def current(self) -> list[ExpectedVersion]:
        """The newest version of each file."""
        return [version for version in self.versions if version.is_current]

    def versions_of(self, entity_id: str) -> list[ExpectedVersion]:
        """All versions of one file, oldest first."""
        return [version for version in self.versions if version.entity_id == entity_id]

    def handle_ids(self) -> set[str]:
        """Every handle that some version or cell refers to."""
        in_cells = {cell.handle_id for cell in self.cells if cell.handle_id is not None}
        return {version.handle_id for version in self.versions} | in_cells


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioFacts:
    """Where a scenario's things are.

    Attributes:
        root_id: the project to migrate.
        source_location_ids: where its files are, the main one first.
        destination_id: an external S3 location in the same region, owned by the demo user.
        far_id: an external S3 location in another region, owned by the demo user.
        owner_token: a token of the demo user with every scope.
        unreadable_ids: files that the demo user sees but may not download.
        landmarks: ids of things worth finding again, by a word.
    """

    name: str
    root_id: str
    source_location_ids: tuple[int, ...]
    destination_id: int
    far_id: int
    owner_token: str
    source_bucket: str
    destination_bucket: str
    destination_base_key: str
    expectation: Expectation
    unreadable_ids: tuple[str, ...] = ()
    landmarks: Mapping[str, str] = field(default_factory=dict)
