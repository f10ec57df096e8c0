"""plan/object_keys.py: the service's layout, the same key for the same copy, and no longer than Synapse takes."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.model.engines import ObjectPlace
from storage_core.model.handles import FileHandle, HandleKind
from storage_core.model.ids import FileHandleId, PrincipalId, StorageLocationId
from storage_core.plan.object_keys import disposition_of, object_key, object_place, probe_key

SOURCE = FileHandle(
    id=FileHandleId("90017"),
    kind=HandleKind.S3,
    concrete_type="",
    storage_location_id=StorageLocationId(1),
    file_name="a b.csv",
)


def place(base_key: str | None) -> ObjectPlace:
    return object_place(bucket="b", base_key=base_key, user_id=PrincipalId("3412"), migration_id="m-1")


@pytest.mark.parametrize(
    ("base_key", "begin"), [(None, "3412/"), ("", "3412/"), ("/", "3412/"), ("x/y", "x/y/3412/"), ("/x/", "x/3412/")]
)
def test_keys_have_the_layout_of_the_service(base_key, begin):
    key = object_key(place(base_key), SOURCE, source_etag="e")
    assert re.fullmatch(re.escape(begin) + r"m-1-90017-[0-9a-f]{12}/a b\.csv", key)


def test_the_key_follows_handle_and_content_and_nothing_else():
    key = object_key(place(None), SOURCE, source_etag="e")
    assert key == object_key(place(None), replace(SOURCE, size_bytes=5), source_etag="e")
    assert key != object_key(place(None), SOURCE, source_etag="f")
    assert key != object_key(place(None), replace(SOURCE, id=FileHandleId("90018")), source_etag="e")
    assert probe_key(place(None)).startswith("3412/m-1-")


@given(st.text(min_size=1, max_size=900), st.text(alphabet="abc/", max_size=500))
def test_no_key_is_longer_than_synapse_takes_and_no_name_makes_folders(name, base_key):
    where = place(base_key)
    key = object_key(where, replace(SOURCE, file_name=name), source_etag="e")
    assert len(key) <= 700
    assert where.prefix.count("/") + 1 == key.count("/")


def test_a_base_key_that_leaves_no_room_is_refused():
    with pytest.raises(ValueError, match="too long"):
        object_key(place("x" * 700), SOURCE, source_etag="e")


@given(st.text(max_size=300))
def test_a_disposition_can_travel_as_a_header_whatever_the_name(name):
    said = disposition_of(replace(SOURCE, file_name=name))
    assert said is not None
    assert said.isascii()
    assert said.isprintable()
    assert 2 == said.count('"')
