"""Keeps tokens, signatures and temporary keys out of messages and logs.

Everything that the service, S3 or the HTTP library said passes through `redact` before a person or a file sees it.
"""

import logging
import re
from typing import Final

HIDDEN: Final = "***"

_PATTERNS: Final = (
    # any address with a query: presigned ones are credentials, and nobody misses the others' queries
    (re.compile(r"(?P<keep>\b[a-z][a-z0-9+.-]*://[^\s\"'<>?\\]+\?)[^\s\"'<>\\]*", re.IGNORECASE), rf"\g<keep>{HIDDEN}"),
    (re.compile(r"(?P<keep>\b[a-z][a-z0-9+.-]*://)[^\s/@\"'<>]+@", re.IGNORECASE), rf"\g<keep>{HIDDEN}@"),
    (
        re.compile(
            r"(?P<keep>\b(?:X-(?:Amz|Goog)-[\w-]+|AWSAccessKeyId|GoogleAccessId|Signature|Key-Pair-Id|Policy)=)"
            r"[^&\s\"'<>]+",
            re.IGNORECASE,
        ),
        rf"\g<keep>{HIDDEN}",
    ),
    (re.compile(r"(?P<keep>\bBearer\s+)[^\s\"',)]+", re.IGNORECASE), rf"\g<keep>{HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*){1,4}"), HIDDEN),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"), HIDDEN),
    (
        re.compile(
            r"(?P<keep>[\"'](?:accessKeyId|secretAccessKey|sessionToken|secretKey|access_token|authtoken|password)[\"']"
            r"\s*:\s*[\"'])[^\"']*",
            re.IGNORECASE,
        ),
        rf"\g<keep>{HIDDEN}",
    ),
    (
        re.compile(
            r"(?P<keep><(?P<tag>AccessKeyId|AWSAccessKeyId|SecretAccessKey|SessionToken|StringToSign|CanonicalRequest|"
            r"SignatureProvided|StringToSignBytes|CanonicalRequestBytes|Token-0)>).*?(?=</(?P=tag)>|$)",
            re.IGNORECASE | re.DOTALL,
        ),
        rf"\g<keep>{HIDDEN}",
    ),
)


def redact(text: str, *secrets: str) -> str:
    """Replace in *text* everything that looks like a credential, and each of *secrets* wherever it stands."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def shorten(text: str, *, most: int = 300) -> str:
    """Put *text* on one line of at most *most* characters. Redact first: half a secret is not recognised."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


class RedactingFilter(logging.Filter):
    """Rewrites every record of the logger it is attached to; drops none."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the finished message."""
        record.msg = redact(record.getMessage())
        record.args = ()
        return True


_FILTER: Final = RedactingFilter()
_HTTP_LOGGERS: Final = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    "aiohttp.client",
    "aiohttp.internal",
)


def guard_http_logs() -> None:
    """Make the HTTP libraries' own log lines safe; calling it again changes nothing.

    A filter works only on the logger that a record was made with, hence the list of names.
    """
    for name in _HTTP_LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
