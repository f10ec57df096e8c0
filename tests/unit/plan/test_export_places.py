"""Where exports go: addresses that are understood or refused, names that depend on content alone."""

import json
from pathlib import Path

import pytest

from storage_core.errors import UsageError
from storage_core.model.exports import BucketFolder
from storage_core.plan.export_places import bucket_folder, is_manifest, manifest_beside, run_name

MANIFEST = json.dumps({"schema_version": 2, "files": [{"name": "items_v1/part-0001.parquet", "sha256": "ab"}]})


@pytest.mark.parametrize(
    ("text", "bucket", "prefix", "key"),
    [
        ("s3://audit", "audit", "", "x"),
        ("s3://audit/", "audit", "", "x"),
        ("s3://my.audit-1/2026/project a/", "my.audit-1", "2026/project a", "2026/project a/x"),
        ("S3://audit/deep", "audit", "deep", "deep/x"),
        (str(Path("s3://audit/deep")), "audit", "deep", "deep/x"),
    ],
)
def test_an_address_names_a_bucket_and_a_prefix(text: str, bucket: str, prefix: str, key: str) -> None:
    found = bucket_folder(text)

    assert BucketFolder(bucket=bucket, prefix=prefix) == found
    assert found is not None
    assert key == found.key_of("x")


@pytest.mark.parametrize("text", ["", "export", "/srv/s3://x", "~/exports", "s3", "C:/exports"])
def test_everything_else_is_a_folder_of_this_machine(text: str) -> None:
    assert bucket_folder(text) is None


@pytest.mark.parametrize(
    "text", ["s3://", "s3:///x", "s3://A_B/x", "s3://ab", "s3://audit/a//b", "s3://audit/../b", "s3://audit/x?y=1"]
)
def test_an_address_that_names_no_place_is_refused_with_the_right_spelling(text: str) -> None:
    with pytest.raises(UsageError, match="names no place in S3") as refused:
        bucket_folder(text)
    assert "s3://bucket/prefix" in refused.value.fix


def test_an_address_reads_as_people_write_it() -> None:
    place = BucketFolder(bucket="audit", prefix="2026")

    assert ("s3://audit/2026", "s3://audit/2026/parquet") == (str(place), str(place.below("parquet")))
    assert "s3://audit" == str(BucketFolder(bucket="audit", prefix=""))


def test_the_folder_of_a_run_depends_on_nothing_but_its_content() -> None:
    run = run_name(MANIFEST)

    assert run == run_name(MANIFEST)
    assert run != run_name(MANIFEST.replace("ab", "ac"))
    beside = json.loads(manifest_beside(MANIFEST, run))
    assert [f"{run}/items_v1/part-0001.parquet"] == [file["name"] for file in beside["files"]]
    assert json.loads(MANIFEST)["schema_version"] == beside["schema_version"]


@pytest.mark.parametrize(
    ("content", "is_ours"),
    [(MANIFEST.encode(), True), (b"{}", False), (b"[]", False), (b"\xff", False), (b'{"files": []}', False)],
)
def test_only_the_manifest_of_an_export_may_be_replaced(content: bytes, is_ours: bool) -> None:
    assert is_ours == is_manifest(content)
