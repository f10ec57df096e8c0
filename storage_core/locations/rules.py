"""What an attribute of a storage location must look like; each rule gives its complaint, or None (contract 2.2)."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

Rule = Callable[[str], str | None]

SHORTEST_PROXY_SECRET: Final = 36
LONGEST_KEY_BYTES: Final = 1024
OWNER_FILE: Final = "owner.txt"
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ENTITY_ID = re.compile(r"(?:syn)?\d{1,18}", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


def bucket_name(text: str) -> str | None:
    """A name only: neither an address nor a path."""
    if "://" in text:
        return "must be the bucket's name alone, not an address"
    if "/" in text:
        return "must not contain '/': only the bucket's name belongs here"
    if not _DOMAIN_NAME.fullmatch(text):
        return "must look like a domain name: letters, digits, '-' and '_', in parts joined by single dots"
    return None


def key_prefix(text: str) -> str | None:
    """A path inside the bucket that an HTTP client will not rewrite, with room left for owner.txt."""
    if "://" in text:
        return "must be a path inside the bucket, not an address"
    if _UNPRINTABLE.search(text):
        return "must not contain control characters"
    if any(part in {"", ".", ".."} for part in text.split("/")):
        return "must not contain an empty part, '.' or '..' between its slashes"
    if len(f"{text}/{OWNER_FILE}".encode()) > LONGEST_KEY_BYTES:
        return f"must leave room for '/{OWNER_FILE}' within the {LONGEST_KEY_BYTES} bytes of a key"
    return None


def address(*schemes: str) -> Rule:
    """Make the rule for an address with one of these schemes."""
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)

    def rule(text: str) -> str | None:
        if _UNPRINTABLE.search(text) or " " in text:
            return "must be an address without blanks"
        try:
            parts = urlsplit(text)
            host, _port = parts.hostname, parts.port
        except ValueError:
            return f"must be a valid address that begins with {wanted}"
        if parts.scheme not in schemes or not host:
            return f"must be an address that begins with {wanted} and names a host"
        # everybody who may upload is shown the address
        return "must not carry a password" if parts.password is not None else None

    return rule


def long_enough_secret(text: str) -> str | None:
    """Proxies sign with it, so the service refuses short ones."""
    if len(text) < SHORTEST_PROXY_SECRET:
        return f"must have at least {SHORTEST_PROXY_SECRET} characters; it has {len(text)}"
    return None


def entity_id(text: str) -> str | None:
    """A Synapse id, with or without its letters."""
    return None if _ENTITY_ID.fullmatch(text) else "must be a Synapse id such as syn123"
