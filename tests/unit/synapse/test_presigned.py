"""Presigned addresses: nothing of ours goes along, nothing of theirs is shown, every refusal has a name."""

import asyncio
import hashlib
import logging

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.synapse.presigned import HashedObject, PartCopied, PresignedSender, S3Refused, S3Trouble
from storage_core.synapse.wire_multipart import PresignedPart

URL = (
    "https://lab-archive-eu.s3.amazonaws.com/synapse/proj%20A/a%2Bb.csv?partNumber=1&uploadId=x.y_z-"
    "&X-Amz-Credential=AKIA%2F20261122&X-Amz-Signature=planted"
)
HEADERS = (
    ("x-amz-copy-source", "proddata.sagebase.org/3412/1f0c/%C3%A4%20b.csv"),
    ("x-amz-copy-source-range", "bytes=0-10485759"),
    ("x-amz-copy-source-if-match", "6d0b-2"),
)
COPIED = """<?xml version="1.0" encoding="UTF-8"?>
<CopyPartResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<LastModified>2026-11-22T01:00:00.000Z</LastModified><ETag>{etag}</ETag></CopyPartResult>"""


def error(code):
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>says S3</Message></Error>".encode()


def ask(config, answer, work):
    """Let *work* use a sender whose S3 is *answer*; return the outcome and the requests."""
    requests = []

    def serve(request):
        requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer

    async def story():
        async with PresignedSender(config, http=httpx.MockTransport(serve)) as sender:
            return await work(sender)

    return asyncio.run(story()), requests


def copy(sender):
    return sender.copy_part(URL, HEADERS)


def test_a_copied_part_sends_exactly_what_was_signed_and_no_token(config):
    document = COPIED.format(etag="&quot;9e107d9d372bb6826bd81d3542a419d6&quot;")

    outcome, (request,) = ask(config, httpx.Response(200, text=document), copy)

    assert PartCopied(etag="9e107d9d372bb6826bd81d3542a419d6") == outcome
    assert URL == str(request.url)
    assert set(HEADERS) <= set(request.headers.items())
    assert b"" == request.content
    assert "0" == request.headers["content-length"]
    assert "authorization" not in request.headers
    assert not [value for value in request.headers.values() if config.token.reveal() in value]


@pytest.mark.parametrize(
    "document",
    [
        COPIED.format(etag='"abc-7"'),
        "  \n \n" + COPIED.format(etag="abc-7"),
        "<CopyPartResult><ETag>&#34;abc-7&#34;</ETag></CopyPartResult>",
        "<s:CopyPartResult xmlns:s='http://x'><s:ETag> \"abc-7\" </s:ETag></s:CopyPartResult>",
    ],
)
def test_every_shape_of_a_good_answer_is_understood(config, document):
    outcome, _ = ask(config, httpx.Response(200, text=document), copy)

    assert PartCopied(etag="abc-7") == outcome


@pytest.mark.parametrize(
    ("status", "document", "trouble"),
    [
        (403, error("AccessDenied"), S3Trouble.EXPIRED),
        (403, b"", S3Trouble.EXPIRED),
        (400, error("ExpiredToken"), S3Trouble.EXPIRED),
        (412, error("PreconditionFailed"), S3Trouble.SOURCE_CHANGED),
        (412, b"", S3Trouble.SOURCE_CHANGED),
        (404, error("NoSuchUpload"), S3Trouble.NO_SUCH_UPLOAD),
        (404, error("NoSuchKey"), S3Trouble.NO_SUCH_OBJECT),
        (404, b"", S3Trouble.NO_SUCH_UPLOAD),
        (500, error("InternalError"), S3Trouble.BUSY),
        (503, error("SlowDown"), S3Trouble.BUSY),
        (503, b"<html>", S3Trouble.BUSY),
        (400, error("RequestTimeout"), S3Trouble.BUSY),
        (400, error("InvalidRequest"), S3Trouble.REFUSED),
        (403, error("InvalidObjectState"), S3Trouble.REFUSED),
        (200, error("InternalError"), S3Trouble.BUSY),
        (200, error("SlowDown"), S3Trouble.BUSY),
        (200, error("SomethingNew"), S3Trouble.BUSY),
        (200, error("PreconditionFailed"), S3Trouble.SOURCE_CHANGED),
        (200, error("NoSuchUpload"), S3Trouble.NO_SUCH_UPLOAD),
        (200, b"", S3Trouble.MALFORMED),
        (200, b"<CopyPartResult/>", S3Trouble.MALFORMED),
        (200, b"<CopyPartResult><ETag></ETag></CopyPartResult>", S3Trouble.MALFORMED),
        (200, b"<Other><ETag>abc</ETag></Other>", S3Trouble.MALFORMED),
        (200, b"<html><body>proxy</html>", S3Trouble.MALFORMED),
        (200, b"\xff\xfe", S3Trouble.MALFORMED),
    ],
)
def test_every_refusal_has_a_name(config, status, document, trouble):
    outcome, _ = ask(config, httpx.Response(status, content=document), copy)

    assert isinstance(outcome, S3Refused)
    assert trouble == outcome.trouble


def test_a_document_that_declares_entities_is_not_expanded(config):
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE CopyPartResult [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        "<CopyPartResult><ETag>&b;</ETag></CopyPartResult>"
    )

    outcome, _ = ask(config, httpx.Response(200, text=bomb), copy)

    assert isinstance(outcome, S3Refused)
    assert S3Trouble.MALFORMED == outcome.trouble


@pytest.mark.parametrize(
    ("trouble", "failure"),
    [
        (S3Trouble.BUSY, httpx.ReadTimeout("slow")),
        (S3Trouble.BUSY, httpx.ConnectError("refused")),
        (S3Trouble.BUSY, httpx.RemoteProtocolError("cut")),
        (S3Trouble.MALFORMED, httpx.LocalProtocolError("bad header")),
    ],
)
def test_a_lost_answer_is_a_value_too(config, trouble, failure):
    outcome, requests = ask(config, failure, copy)

    assert isinstance(outcome, S3Refused)
    assert trouble == outcome.trouble
    assert 1 == len(requests), "nothing is repeated here"


def test_an_address_that_is_none_is_malformed(config):
    outcome, _ = ask(config, httpx.Response(200), lambda sender: sender.copy_part("https://[broken", ()))

    assert isinstance(outcome, S3Refused)
    assert S3Trouble.MALFORMED == outcome.trouble


def test_no_signature_reaches_a_message_or_a_log(config, caplog):
    said = f"<Error><Code>SignatureDoesNotMatch</Code><Message>{URL.replace('&', '&amp;')}</Message></Error>"

    with caplog.at_level(logging.DEBUG):
        outcome, _ = ask(config, httpx.Response(400, text=said), copy)
        lost, _ = ask(config, httpx.ReadError(f"while reading {URL}"), copy)
    part = PresignedPart(number=1, url=URL, headers=(("x-amz-security-token", "planted"),))

    assert isinstance(outcome, S3Refused)
    assert "SignatureDoesNotMatch" in outcome.detail
    assert "PUT https://lab-archive-eu" in caplog.text
    for shown in (caplog.text, repr(outcome), repr(lost), repr(part), str(part)):
        assert "planted" not in shown


def test_a_sent_part_gives_its_etag(config):
    outcome, (request,) = ask(
        config,
        httpx.Response(200, headers={"etag": '"abc"'}),
        lambda sender: sender.send_part(URL, (("content-type", "text/csv"),), b"bytes"),
    )

    assert PartCopied(etag="abc") == outcome
    assert b"bytes" == request.content


@given(st.binary(max_size=5000))
def test_an_object_is_hashed_as_it_is_stored(content):
    from pathlib import Path

    from storage_core.config import Config, Secret

    config = Config(token=Secret("t"), state_folder=Path("unused"))

    answer = httpx.Response(200, stream=httpx.ByteStream(content))
    outcome, (request,) = ask(config, answer, lambda sender: sender.stream_md5(URL))

    assert HashedObject(md5=hashlib.md5(content).hexdigest(), size_bytes=len(content)) == outcome
    assert "identity" == request.headers["accept-encoding"]


def test_a_stored_encoding_is_not_undone(config):
    """An object stored compressed is compared in its stored form."""
    import gzip

    stored = gzip.compress(b"text" * 100)
    # as a stream: plain content would be decoded while the answer is made
    answer = httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(stored))

    outcome, _ = ask(config, answer, lambda sender: sender.stream_md5(URL))

    assert HashedObject(md5=hashlib.md5(stored).hexdigest(), size_bytes=len(stored)) == outcome


def test_an_object_is_read_in_pieces(config):
    """64 MiB go through without ever being held at once."""
    import tracemalloc

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):
            for _ in range(64):
                yield bytes(1 << 20)

    tracemalloc.start()
    outcome, _ = ask(config, httpx.Response(200, stream=Endless()), lambda sender: sender.stream_md5(URL))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert isinstance(outcome, HashedObject)
    assert 64 << 20 == outcome.size_bytes
    assert peak < 16 << 20


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (httpx.Response(403, content=error("AccessDenied")), S3Trouble.EXPIRED),
        (httpx.Response(404), S3Trouble.NO_SUCH_OBJECT),
        (httpx.Response(503), S3Trouble.BUSY),
        (httpx.ReadError("cut in the middle"), S3Trouble.BUSY),
    ],
)
def test_an_object_that_is_not_given_is_a_refusal(config, answer, trouble):
    outcome, _ = ask(config, answer, lambda sender: sender.stream_md5(URL))

    assert isinstance(outcome, S3Refused)
    assert trouble == outcome.trouble


@given(
    st.lists(
        st.sampled_from(["..", ".", "", "a b", "ä", "%", "+", "~"]) | st.text(st.characters(codec="utf-8"), max_size=5),
        min_size=1,
        max_size=4,
    )
)
def test_an_encoded_address_travels_unchanged(segments):
    """A signature covers the address byte by byte; a key may even hold dots that look like a way up."""
    from pathlib import Path
    from urllib.parse import quote

    from storage_core.config import Config, Secret

    key = "/".join(quote(segment, safe="") for segment in segments)
    target = f"/bucket/{key}?X-Amz-Credential={quote(segments[0], safe='')}&uploadId=a.b_c-~"
    config = Config(token=Secret("t"), state_folder=Path("unused"))

    _, (request,) = ask(
        config, httpx.Response(200), lambda sender: sender.send_part(f"https://s3.test{target}", (), b"")
    )

    assert target.encode() == request.extensions.get("target", request.url.raw_path)


@pytest.mark.parametrize("status", [200, 206])
def test_an_etag_is_read_off_one_byte_of_the_object(config, status):
    answer = httpx.Response(status, headers={"ETag": '"9e107d9d372bb6826bd81d3542a419d6-1"'}, content=b"x")

    outcome, (request,) = ask(config, answer, lambda sender: sender.etag_of(URL))

    assert "9e107d9d372bb6826bd81d3542a419d6-1" == outcome
    assert "bytes=0-0" == request.headers["range"]
    assert "authorization" not in request.headers


def test_an_etag_that_is_refused_has_its_reason(config):
    outcome, _ = ask(config, httpx.Response(403, content=error("AccessDenied")), lambda sender: sender.etag_of(URL))

    assert isinstance(outcome, S3Refused)
