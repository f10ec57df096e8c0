"""Where an export goes, and what its files are called there. Pure; decision 0028."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from storage_core.errors import UsageError
from storage_core.model.exports import BucketFolder, ExportedFile, ExportManifest

_SCHEME = re.compile(r"s3:/{1,2}", re.IGNORECASE)
"""With one slash, too: that is what becomes of the address where somebody takes it for the path of a file."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_RUN_DIGITS = 16


def bucket_folder(text: str) -> BucketFolder | None:
    """The place that ``s3://bucket/prefix`` names; None for what names a folder of this machine.

    Raises:
        UsageError: it begins like such an address, and names no bucket, or a prefix that no key can have.
    """
    scheme = _SCHEME.match(text)
    if scheme is None:
        return None
    bucket, _, prefix = text[scheme.end() :].partition("/")
    prefix = prefix.strip("/")
    is_odd = any(part in {"", ".", ".."} for part in prefix.split("/")) if prefix else False
    if not _BUCKET.fullmatch(bucket) or is_odd or "?" in text or "#" in text:
        raise UsageError(f"{text!r} names no place in S3.", fix="Give it as s3://bucket/prefix.")
    return BucketFolder(bucket=bucket, prefix=prefix)


def run_name(manifest: str) -> str:
    """The folder of one export: the same bytes have the same name, so that repeating it changes nothing."""
    return f"runs/{hashlib.sha256(manifest.encode()).hexdigest()[:_RUN_DIGITS]}"


def manifest_beside(manifest: str, run: str) -> str:
    """The manifest as it stands beside the folders of runs: its files are in one of them."""
    document: dict[str, Any] = json.loads(manifest)
    files: list[Mapping[str, Any]] = document["files"]
    document["files"] = [{**file, "name": f"{run}/{file['name']}"} for file in files]
    return json.dumps(document, indent=2) + "\n"


def is_manifest(content: bytes) -> bool:
    """Whether this is the manifest of an export, and may be replaced by the next."""
    try:
        document = json.loads(content)
    except ValueError:
        return False
    return isinstance(document, dict) and {"schema_version", "files"} <= document.keys()


def manifest_of(content: bytes) -> ExportManifest | None:
    """What a manifest says; None when *content* is no manifest of an export."""
    if not is_manifest(content):
        return None
    document: dict[str, Any] = json.loads(content)
    try:
        files = tuple(ExportedFile(name=str(one["name"]), sha256=str(one["sha256"])) for one in document["files"])
    except (KeyError, TypeError):
        return None
    return ExportManifest(files=files, last_event_hash=document.get("last_event_hash"))
