"""Addresses behind a file proxy are signed as the service signs them."""

from datetime import UTC, datetime

import pytest

from sandbox.synapse.handles import Handle, HandleKind
from sandbox.synapse.http import Refused
from sandbox.synapse.location_types import LocationClass
from sandbox.synapse.locations import Location
from sandbox.synapse.proxy_urls import sign_proxy_url

SIGNED_AT = datetime.fromtimestamp(1_795_000_000 - 30, UTC)


def location(**fields: object) -> Location:
    given = {
        "proxyUrl": " https://files.example.org:8443/data/ ",
        "secretKey": "an-example-secret-of-at-least-36-chars!!",
        "uploadType": "PROXYLOCAL",
    }
    return Location(id=7, kind=LocationClass.PROXY, created_by="1", created_on="", etag="", fields={**given, **fields})


def handle(**fields: object) -> Handle:
    given = {
        "id": "1",
        "kind": HandleKind.PROXY,
        "created_by": "1",
        "created_on": "",
        "modified_on": "",
        "etag": "",
        "file_path": "/study%201/a+b.bam",
        "file_name": "a b.bam",
        "content_type": "application/octet-stream",
        "content_md5": "0123456789abcdef0123456789abcdef",
        "content_size": 42,
    }
    return Handle(**{**given, **fields})  # type: ignore[arg-type]


def test_the_known_signature_comes_out() -> None:
    """An address whose signature was made by other code than ours."""
    url = sign_proxy_url(location(), handle(), now=SIGNED_AT, expires_seconds=30)

    assert (
        "https://files.example.org:8443/data/proxylocal/study%201/a+b.bam?fileName=a+b.bam"
        "&contentType=application%2Foctet-stream&contentMD5=0123456789abcdef0123456789abcdef&contentSize=42"
        "&expiration=1795000000000&hmacSignature=67820fe98ecaa2979509632ee48169d38c81b20a"
    ) == url


def test_the_protocol_of_the_location_is_part_of_the_path() -> None:
    url = sign_proxy_url(location(uploadType="SFTP"), handle(), now=SIGNED_AT, expires_seconds=30)

    assert url.startswith("https://files.example.org:8443/data/sftp/study%201/a+b.bam?")


def test_a_handle_without_a_path_has_no_address() -> None:
    with pytest.raises(Refused):
        sign_proxy_url(location(), handle(file_path=None), now=SIGNED_AT, expires_seconds=30)
