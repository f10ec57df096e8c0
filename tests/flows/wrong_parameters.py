"""What somebody might write into each field of a deployment's form; whoever adds a field adds its wrong values here."""

from typing import Any

GOOD: dict[str, Any] = {
    "root_ids": ["syn123"],
    "destination_storage_location_id": 54321,
    "index_path": "m.duckdb",
    "plan_hash": "0123456789ab",
    "container_id": "syn123",
    "folder": "some/where",
    "manifest": "some/files.tsv",
}
"""Right values for every field that must be filled in."""

_NO_SWITCH = ("perhaps", None, 7)
_NO_PATH = ("", "  ", None, 7, "a\x00b")

WRONG: dict[str, tuple[Any, ...]] = {
    "root_ids": ([], ["project"], ["syn0"], "syn123", [""], ["https://www.synapse.org/Synapse:syn123"], None),
    "destination_storage_location_id": (0, -1, "bucket", None, 1.5),
    "index_path": (*_NO_PATH, "folder/"),
    "file_version_strategy": ("newest", "", None),
    "source_storage_location_ids": ([0], ["bucket"], 1, None),
    "include_table_files": _NO_SWITCH,
    "table_snapshots": _NO_SWITCH,
    "engine": ("fastest", "", None),
    "aws_profile": (7, ["prod"]),
    "continue_on_error": _NO_SWITCH,
    "max_failures": ("many", "-1", "5%%", "1.5", 10),
    "index_via": ("telepathy", "", None),
    "view": (7, ["syn1"]),
    "no_provenance": _NO_SWITCH,
    "protect": _NO_SWITCH,
    "refresh": _NO_SWITCH,
    "canary": (-1, 10**6, 1.5, "some", None),
    "confirm": ("yes", "", None),
    "approval_hours": (0, -1, 10**6, "soon", None),
    "report_folder": (7, None),
    "notify": ([""], "me", None),
    "credentials": (7, None),
    "shards": (0, -1, "many", 10**6, 1.5),
    "plan_hash": (None, 7),
    "container_id": ("project", "syn0", "syn1,syn2", None, 7, ""),
    "folder": _NO_PATH,
    "manifest": (*_NO_PATH, "folder/"),
    "parent_id": ("project", "syn0", "syn1,syn2", None, 7),
    "dry_run": _NO_SWITCH,
    "storage_location_id": (0, -1, "bucket", 1.5),
    "version_comment": (7, None, "x" * 256),
    "even_if_equal": _NO_SWITCH,
    "use_boto_sts": ("perhaps", 7),
    "if_collision": ("overwrite", "", None),
}
"""Values that are refused before a run starts, for every field of every form."""
