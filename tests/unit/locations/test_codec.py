"""JSON and records, both ways; nothing is lost."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.locations import (
    StorageLocationType,
    build_location,
    location_from_json,
    location_to_json,
    type_name_of,
)
from storage_core.locations.codec import mean_the_same
from storage_core.locations.location import Location

PREFIX = "org.sagebionetworks.repo.model.project."
# type: (concrete type, upload type, its own fields) (contract 2.2)
WIRE = {
    "SYNAPSE_S3": ("S3StorageLocationSetting", "S3", {"stsEnabled": True}),
    "EXTERNAL_S3": (
        "ExternalS3StorageLocationSetting",
        "S3",
        {"bucket": "lab", "baseKey": "a/b", "stsEnabled": True, "endpointUrl": "https://s3.example.org"},
    ),
    "EXTERNAL_GOOGLE_CLOUD": (
        "ExternalGoogleCloudStorageLocationSetting",
        "GOOGLECLOUDSTORAGE",
        {"bucket": "lab", "baseKey": "a"},
    ),
    "EXTERNAL_SFTP": (
        "ExternalStorageLocationSetting",
        "SFTP",
        {"url": "sftp://lab/in", "supportsSubfolders": True},
    ),
    "EXTERNAL_HTTPS": ("ExternalStorageLocationSetting", "HTTPS", {"url": "https://lab/in"}),
    "EXTERNAL_OBJECT_STORE": (
        "ExternalObjectStorageLocationSetting",
        "S3",
        {"bucket": "lab", "endpointUrl": "https://store.example.org"},
    ),
    "PROXY": (
        "ProxyStorageLocationSettings",
        "PROXYLOCAL",
        {"proxyUrl": "https://proxy", "secretKey": "s" * 40, "benefactorId": "syn5"},
    ),
}
STORED = {"storageLocationId": 41277, "etag": "0a1c", "createdOn": "2024-10-24T15:04:05.123Z", "createdBy": 3412}


def answer(name, **more):
    concrete_type, upload_type, own = WIRE[name]
    return {"concreteType": PREFIX + concrete_type, "uploadType": upload_type, **own, **more}


def test_every_type_of_the_registry_is_shown_here():
    assert {one.name for one in StorageLocationType} == set(WIRE)


@pytest.mark.parametrize("name", WIRE)
def test_what_the_service_sends_is_read_and_written_again(name):
    sent = answer(name, banner="hello", description="for tests", **STORED)

    read = location_from_json(json.dumps(sent))

    assert name == type_name_of(read)
    assert (41277, "0a1c", "2024-10-24T15:04:05.123Z", "3412") == (
        read.stored.id,
        read.stored.etag,
        read.stored.created_on,
        read.stored.created_by,
    )
    assert {key: value for key, value in sent.items() if key not in STORED} == json.loads(location_to_json(read))


@pytest.mark.parametrize("upload_type", ["SFTP", "HTTPS", "S3", "TAPE"])
def test_a_proxy_stays_a_proxy_whatever_its_protocol(upload_type):
    read = location_from_json(json.dumps(answer("PROXY") | {"uploadType": upload_type}))

    assert ("PROXY", upload_type) == (type_name_of(read), read.upload_type)


def test_types_and_fields_nobody_taught_us_are_kept():
    future = {"concreteType": f"{PREFIX}TapeSetting", "uploadType": "TAPE", "reel": {"number": 7}, **STORED}

    read = location_from_json(json.dumps(future))

    assert ("TapeSetting", "TAPE", 41277) == (type_name_of(read), read.upload_type, read.stored.id)
    assert {"reel": {"number": 7}, "uploadType": "TAPE", "concreteType": f"{PREFIX}TapeSetting"} == json.loads(
        location_to_json(read)
    )


def test_a_shared_concrete_type_with_a_strange_protocol_is_of_no_known_type():
    read = location_from_json(json.dumps(answer("EXTERNAL_SFTP") | {"uploadType": "NONE"}))

    assert ("ExternalStorageLocationSetting", Location) == (type_name_of(read), type(read))
    assert "sftp://lab/in" in location_to_json(read)


def test_a_known_field_of_a_strange_kind_is_kept_too():
    read = location_from_json(json.dumps(answer("EXTERNAL_S3") | {"bucket": ["a", "b"], "stsEnabled": "soon"}))

    assert (None, False) == (read.bucket, read.sts_enabled)
    assert ["a", "b"] == json.loads(location_to_json(read))["bucket"]


def test_the_key_that_synapse_chose_is_read_and_never_sent():
    read = location_from_json(json.dumps(answer("SYNAPSE_S3", baseKey="3412/uuid")))

    assert "3412/uuid" == read.base_key
    assert "baseKey" not in json.loads(location_to_json(read))


def test_what_is_not_an_object_is_refused():
    with pytest.raises(ValueError, match="JSON object"):
        location_from_json("[]")


def test_spelling_out_what_is_implied_means_the_same():
    """The existing client sends Amazon's address and a false flag; for the service these are other settings."""
    theirs = location_from_json(
        json.dumps(answer("EXTERNAL_S3", **STORED) | {"endpointUrl": "https://s3.amazonaws.com", "stsEnabled": False})
    )
    ours = build_location(StorageLocationType.EXTERNAL_S3, {"bucket": "lab", "base_key": "a/b"})

    assert mean_the_same(ours, theirs)
    assert not mean_the_same(build_location(StorageLocationType.EXTERNAL_S3, {"bucket": "lab"}), theirs)
    banner = {"bucket": "lab", "base_key": "a/b", "banner": "x"}
    assert not mean_the_same(build_location(StorageLocationType.EXTERNAL_S3, banner), theirs)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
WORDS = ["bucket", "baseKey", "stsEnabled", "url", "secretKey", "banner", "other", "supportsSubfolders"]


@given(
    name=st.sampled_from(sorted(WIRE)),
    more=st.dictionaries(st.sampled_from(WORDS) | st.text(min_size=1), JSON_VALUES, max_size=6),
)
def test_whatever_comes_is_kept(name, more):
    sent = {**more, **{key: value for key, value in answer(name).items() if key in {"concreteType", "uploadType"}}}
    sent = {key: value for key, value in sent.items() if key not in STORED}

    again = json.loads(location_to_json(location_from_json(json.dumps(sent))))

    # false means absent, and a key that only Synapse may choose is not sent back
    dropped = {key for key, value in sent.items() if value in (None, False)} | {"baseKey"}
    assert {key: value for key, value in sent.items() if key not in dropped} == {
        key: value for key, value in again.items() if key not in dropped
    }
