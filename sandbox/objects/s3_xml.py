"""The XML documents of S3, both ways."""

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from sandbox.objects.refusals import S3Refusal

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def element(name: str, *members: str) -> str:
    """An element around members that are already XML."""
    return f"<{name}>{''.join(members)}</{name}>"


def text(name: str, value: object) -> str:
    """An element around plain text."""
    return f"<{name}>{escape(str(value))}</{name}>"


def optional(name: str, value: object | None) -> str:
    """An element, or nothing when there is no value."""
    return "" if value is None else text(name, value)


def etag(value: str) -> str:
    """An ETag element: with its quotes, escaped as S3 does."""
    return f"<ETag>&quot;{escape(value)}&quot;</ETag>"


def document(name: str, *members: str) -> str:
    """A whole document in S3's namespace."""
    return f'{_DECLARATION}<{name} xmlns="{NAMESPACE}">{"".join(members)}</{name}>'


def error_document(refusal: S3Refusal, *, resource: str, request_id: str) -> str:
    """The document of an error; it has no namespace."""
    members = [
        text("Code", refusal.code),
        text("Message", refusal.message),
        *(text(name, value) for name, value in refusal.details.items()),
        text("Resource", resource),
        text("RequestId", request_id),
    ]
    return _DECLARATION + element("Error", *members)


def moment(value: datetime) -> str:
    """A moment as documents write it."""
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"


def shown_key(key: str, encoding: str | None) -> str:
    """A key as a listing shows it: percent-encoded when the caller asked for that."""
    return quote(key, safe="/~") if encoding == "url" else key


def parse_parts(body: bytes) -> list[tuple[int, str]]:
    """The (number, ETag) pairs of a CompleteMultipartUpload; refuses with MalformedXML."""
    parts = []
    for part in _named(_root(body), "Part"):
        number, tag = _child(part, "PartNumber"), _child(part, "ETag")
        if number is None or tag is None or not number.strip().isdecimal():
            raise _malformed()
        parts.append((int(number), tag.strip().strip('"')))
    return parts


def parse_deletions(body: bytes) -> tuple[list[str], bool]:
    """The keys of a DeleteObjects, and whether only failures are to be listed; refuses with MalformedXML."""
    root = _root(body)
    keys = [key for one in _named(root, "Object") if (key := _child(one, "Key")) is not None]
    if not keys:
        raise _malformed()
    return keys, _child(root, "Quiet") == "true"


def _root(body: bytes) -> ET.Element:
    try:
        return ET.fromstring(body)  # noqa: S314 - loopback only, from our own tests and tools
    except ET.ParseError as error:
        raise _malformed() from error


def _named(root: ET.Element, name: str) -> Iterable[ET.Element]:
    return (child for child in root if child.tag.rpartition("}")[2] == name)


def _child(parent: ET.Element, name: str) -> str | None:
    return next((child.text or "" for child in _named(parent, name)), None)


def _malformed() -> S3Refusal:
    return S3Refusal("MalformedXML", "The XML you provided was not well-formed or did not validate", 400)
