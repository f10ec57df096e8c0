"""The kinds of entity, by the words of requests and by the class names of bodies (contract 6.1)."""

from enum import StrEnum

_PACKAGE = "org.sagebionetworks.repo.model."


class Kind(StrEnum):
    """An entity's kind, spelt as the service's EntityType."""

    PROJECT = "project"
    FOLDER = "folder"
    FILE = "file"
    RECORD_SET = "recordset"
    TABLE = "table"
    ENTITY_VIEW = "entityview"
    SUBMISSION_VIEW = "submissionview"
    DATASET = "dataset"
    DATASET_COLLECTION = "datasetcollection"
    MATERIALIZED_VIEW = "materializedview"
    VIRTUAL_TABLE = "virtualtable"
    LINK = "link"
    DOCKER_REPOSITORY = "dockerrepo"
    SEARCH_INDEX = "searchindex"

    @property
    def concrete_type(self) -> str:
        """The class name of bodies and headers."""
        return _CONCRETE_TYPES[self]

    @property
    def is_container(self) -> bool:
        """Whether it may have children."""
        return self in CONTAINERS

    @property
    def has_own_handle(self) -> bool:
        """Whether each version carries a `dataFileHandleId`."""
        return self in HANDLE_HOLDERS

    @property
    def is_table_like(self) -> bool:
        """Whether it has columns; such kinds get versions from snapshots only (contract 6.5)."""
        return self in TABLE_LIKE

    @property
    def is_versionable(self) -> bool:
        """Whether its body carries a version number."""
        return self in HANDLE_HOLDERS or self in TABLE_LIKE


CONTAINERS = frozenset({Kind.PROJECT, Kind.FOLDER})
HANDLE_HOLDERS = frozenset({Kind.FILE, Kind.RECORD_SET})
COUNTED = frozenset({Kind.FILE, Kind.FOLDER, Kind.LINK})
"""The kinds that fall under the limit of 10,000 children (contract 6.7)."""
TABLE_LIKE = frozenset(
    {
        Kind.TABLE,
        Kind.ENTITY_VIEW,
        Kind.SUBMISSION_VIEW,
        Kind.DATASET,
        Kind.DATASET_COLLECTION,
        Kind.MATERIALIZED_VIEW,
        Kind.VIRTUAL_TABLE,
    }
)
_CONCRETE_TYPES = {
    Kind.PROJECT: _PACKAGE + "Project",
    Kind.FOLDER: _PACKAGE + "Folder",
    Kind.FILE: _PACKAGE + "FileEntity",
    Kind.RECORD_SET: _PACKAGE + "RecordSet",
    Kind.TABLE: _PACKAGE + "table.TableEntity",
    Kind.ENTITY_VIEW: _PACKAGE + "table.EntityView",
    Kind.SUBMISSION_VIEW: _PACKAGE + "table.SubmissionView",
    Kind.DATASET: _PACKAGE + "table.Dataset",
    Kind.DATASET_COLLECTION: _PACKAGE + "table.DatasetCollection",
    Kind.MATERIALIZED_VIEW: _PACKAGE + "table.MaterializedView",
    Kind.VIRTUAL_TABLE: _PACKAGE + "table.VirtualTable",
    Kind.LINK: _PACKAGE + "Link",
    Kind.DOCKER_REPOSITORY: _PACKAGE + "docker.DockerRepository",
    Kind.SEARCH_INDEX: _PACKAGE + "search.table.SearchIndex",
}
KIND_OF_CONCRETE_TYPE = {concrete_type: kind for kind, concrete_type in _CONCRETE_TYPES.items()}
