"""What an access token says about itself; not trusted, since the service checks: only to explain early."""

import base64
import binascii
import json

_SEGMENTS = 3


def scopes_of(token: str) -> frozenset[str] | None:
    """The scopes named in a token's claims (contract 1.1); None for a token that is no JWT or names none."""
    segments = token.split(".")
    if len(segments) != _SEGMENTS:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(segments[1] + "=" * (-len(segments[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    access = claims.get("access") if isinstance(claims, dict) else None
    scopes = access.get("scope") if isinstance(access, dict) else None
    if not isinstance(scopes, list):
        return None
    return frozenset(str(scope) for scope in scopes)
