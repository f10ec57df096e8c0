"""Every rule about storage locations is checked before anything is sent, and named."""

import pytest

from storage_core.errors import UsageError
from storage_core.locations import StorageLocationType, build_location, location_to_json, type_named
from storage_core.model.secret import Secret

SECRET = "s" * 36
GOOD = {
    "SYNAPSE_S3": {},
    "EXTERNAL_S3": {"bucket": "lab-archive"},
    "EXTERNAL_GOOGLE_CLOUD": {"bucket": "lab-archive"},
    "EXTERNAL_SFTP": {"url": "sftp://lab.example.org/in"},
    "EXTERNAL_HTTPS": {"url": "https://lab.example.org/in"},
    "EXTERNAL_OBJECT_STORE": {"bucket": "lab-archive", "endpoint_url": "https://store.example.org"},
    "PROXY": {"proxy_url": "https://proxy.example.org", "secret_key": SECRET, "benefactor_id": "syn5"},
}
REQUIRED = [(name, attribute) for name, values in GOOD.items() for attribute in values]
WRONG = [
    ("EXTERNAL_S3", {"bucket": "s3://lab"}, "bucket must be the bucket's name alone"),
    ("EXTERNAL_S3", {"bucket": "lab/in"}, "bucket must not contain '/'"),
    ("EXTERNAL_GOOGLE_CLOUD", {"bucket": "lab..in"}, "bucket must look like a domain name"),
    ("EXTERNAL_OBJECT_STORE", {"bucket": "lab/in"}, "bucket must not contain '/'"),
    ("EXTERNAL_OBJECT_STORE", {"endpoint_url": "store.example.org"}, "endpoint_url must be an address"),
    ("EXTERNAL_OBJECT_STORE", {"endpoint_url": "sftp://store"}, "begins with https:// or http://"),
    ("EXTERNAL_S3", {"base_key": "a//b"}, "base_key must not contain an empty part"),
    ("EXTERNAL_S3", {"base_key": "a/../b"}, "base_key must not contain an empty part, '.' or '..'"),
    ("EXTERNAL_GOOGLE_CLOUD", {"base_key": "gs://lab/a"}, "base_key must be a path inside the bucket"),
    ("EXTERNAL_S3", {"base_key": "a\nb"}, "base_key must not contain control characters"),
    ("EXTERNAL_S3", {"base_key": "k" * 1020}, "base_key must leave room for '/owner.txt'"),
    ("EXTERNAL_SFTP", {"url": "https://lab.example.org"}, "url must be an address that begins with sftp://"),
    ("EXTERNAL_SFTP", {"url": "sftp://me:secret@lab"}, "url must not carry a password"),
    ("EXTERNAL_SFTP", {"url": "sftp:///in"}, "names a host"),
    ("EXTERNAL_SFTP", {"url": "sftp://lab:port/in"}, "url must be a valid address"),
    ("EXTERNAL_HTTPS", {"url": "http://lab.example.org"}, "url must be an address that begins with https://"),
    ("EXTERNAL_HTTPS", {"url": "https://lab example.org"}, "url must be an address without blanks"),
    ("PROXY", {"proxy_url": "http://proxy"}, "proxy_url must be an address that begins with https://"),
    ("PROXY", {"secret_key": "s" * 35}, "secret_key must have at least 36 characters; it has 35"),
    ("PROXY", {"benefactor_id": "my project"}, "benefactor_id must be a Synapse id"),
    ("SYNAPSE_S3", {"base_key": "mine"}, "base_key must not be given: Synapse chooses it"),
    ("SYNAPSE_S3", {"bucket": "lab"}, "bucket is no attribute of SYNAPSE_S3"),
    ("EXTERNAL_S3", {"sts_enabled": "yes"}, "sts_enabled must be true or false"),
    ("EXTERNAL_S3", {"bucket": 5}, "bucket must be a text"),
    *[
        (name, {"sts_enabled": True}, f"sts_enabled is no attribute of {name}, temporary credentials exist for S3 only")
        for name in GOOD
        if name not in {"SYNAPSE_S3", "EXTERNAL_S3"}
    ],
]


def build(name, **changes):
    return build_location(StorageLocationType[name], GOOD[name] | changes)


@pytest.mark.parametrize("name", [one.name for one in StorageLocationType])
def test_each_type_is_built_with_what_it_requires(name):
    location = build(name, banner="hello", description="for tests")

    assert StorageLocationType[name].record is type(location)
    assert ("hello", "for tests") == (location.banner, location.description)


@pytest.mark.parametrize(("name", "attribute"), REQUIRED)
@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_what_a_type_requires_is_asked_for(name, attribute, nothing):
    with pytest.raises(UsageError, match=f"no {name} storage location: {attribute} is required"):
        build(name, **{attribute: nothing})


@pytest.mark.parametrize(("name", "changes", "sentence"), WRONG)
def test_a_broken_rule_is_named_with_its_attribute(name, changes, sentence):
    with pytest.raises(UsageError) as refused:
        build(name, **changes)

    assert sentence in refused.value.what
    assert 2 == refused.value.exit_code


def test_all_broken_rules_are_named_at_once():
    with pytest.raises(UsageError) as refused:
        build("PROXY", proxy_url="http://proxy", secret_key="short", benefactor_id="")

    for sentence in ("proxy_url must be", "secret_key must have", "benefactor_id is required"):
        assert sentence in refused.value.what


def test_keys_and_endpoints_take_the_form_in_which_the_service_keeps_them():
    assert "a/b" == build("EXTERNAL_S3", base_key=" /a/b/ ").base_key
    assert build("EXTERNAL_S3", base_key=" / ").base_key in (None, "")
    assert (
        "https://store.example.org"
        == build("EXTERNAL_OBJECT_STORE", endpoint_url="https://store.example.org/ ").endpoint_url
    )


def test_an_object_store_never_becomes_amazon_by_itself():
    with pytest.raises(UsageError, match="endpoint_url is required"):
        build("EXTERNAL_OBJECT_STORE", endpoint_url=None)


def test_a_secret_prints_as_stars_and_is_sent():
    proxy = build("PROXY")

    assert SECRET not in repr(proxy)
    assert "secret_key=***" in repr(proxy)
    assert SECRET in location_to_json(proxy)
    assert proxy == build("PROXY", secret_key=Secret(SECRET))


def test_a_refusal_does_not_show_the_secret():
    with pytest.raises(UsageError) as refused:
        build("PROXY", secret_key="hunter2-hunter2")

    assert "hunter2" not in str(refused.value)


def test_another_protocol_is_taken_only_where_the_type_has_it():
    assert "SFTP" == build_location(StorageLocationType.PROXY, GOOD["PROXY"], upload_type="SFTP").upload_type
    with pytest.raises(UsageError, match="upload_type must be S3, not SFTP"):
        build_location(StorageLocationType.EXTERNAL_S3, GOOD["EXTERNAL_S3"], upload_type="SFTP")


def test_types_are_named_as_people_type_them():
    assert StorageLocationType.EXTERNAL_S3 is type_named("external-s3")
    assert StorageLocationType.PROXY is type_named(StorageLocationType.PROXY)
    with pytest.raises(UsageError, match="Choose one of SYNAPSE_S3"):
        type_named("ftp")
