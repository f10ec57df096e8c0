"""What looks like a credential is hidden; what does not is left alone."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.synapse.clock import SystemClock
from storage_core.synapse.presigned import PresignedSender
from storage_core.synapse.redaction import RedactingFilter, guard_http_logs, redact, shorten
from storage_core.synapse.transport import Transport


class OpenDoor:
    """A limiter nobody asks."""

    def slot(self):
        raise AssertionError

    def slow_down(self):
        raise AssertionError

    def ease_off(self):
        raise AssertionError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET https://b.s3/k?X-Amz-Signature=aa&b=c done", "GET https://b.s3/k?*** done"),
        ("(b'Location', b'https://b.s3/k?Signature=aa')", "(b'Location', b'https://b.s3/k?***')"),
        ("X-Amz-Security-Token=abc&x=1", "X-Amz-Security-Token=***&x=1"),
        ("AWSAccessKeyId=abc&Signature=d%2Fe", "AWSAccessKeyId=***&Signature=***"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("token eyJhbGciOi.eyJzdWIi.c2ln ends", "token *** ends"),
        ("key AKIAIOSFODNN7EXAMPLE ends", "key *** ends"),
        ('{"secretAccessKey": "a/b+c", "bucket": "x"}', '{"secretAccessKey": "***", "bucket": "x"}'),
        ("{'sessionToken':'abc'}", "{'sessionToken':'***'}"),
        ("<AWSAccessKeyId>abc</AWSAccessKeyId><Code>x</Code>", "<AWSAccessKeyId>***</AWSAccessKeyId><Code>x</Code>"),
        ("<StringToSign>a\nb", "<StringToSign>***"),
        ("sftp://anna:pw@host/x", "sftp://***@host/x"),
        ("syn123 at s3://bucket/key was answered 404", "syn123 at s3://bucket/key was answered 404"),
        ("https://repo-prod.prod.sagebase.org/repo/v1", "https://repo-prod.prod.sagebase.org/repo/v1"),
    ],
)
def test_credentials_are_hidden_and_the_rest_is_kept(text, expected):
    assert expected == redact(text)


@given(st.text(min_size=4), st.text(), st.text())
def test_a_named_secret_is_gone_wherever_it_stands(secret, before, after):
    assert secret not in redact(before + secret + after, secret).replace("***", "")


@given(st.text())
def test_redacting_twice_is_redacting_once(text):
    assert redact(text) == redact(redact(text))


@given(st.text(max_size=1000), st.integers(1, 400))
def test_a_shortened_text_is_one_short_line(text, most):
    short = shorten(text, most=most)

    assert len(short) <= most
    assert len(short.splitlines()) <= 1


def test_the_http_libraries_cannot_log_a_signature(caplog):
    guard_http_logs()
    guard_http_logs()

    with caplog.at_level(logging.DEBUG):
        for name in ("httpx", "httpcore.http11", "httpcore.connection"):
            logging.getLogger(name).debug("url=%r", "https://b.s3/k?X-Amz-Signature=planted")

    assert 3 == caplog.text.count("https://b.s3/k?***")
    assert "planted" not in caplog.text


@pytest.mark.parametrize("client", [lambda config: Transport(config, OpenDoor(), SystemClock()), PresignedSender])
def test_every_client_of_ours_guards_the_logs_by_itself(config, client):
    logger = logging.getLogger("httpx")
    for guard in list(logger.filters):
        logger.removeFilter(guard)

    client(config)

    assert [RedactingFilter] == [type(guard) for guard in logger.filters]
