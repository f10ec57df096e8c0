"""Signature Version 4 with the sandbox's own clock. The algorithm itself is botocore's, for both directions."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from botocore.auth import SIGV4_TIMESTAMP, S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.clock import SandboxClock
from sandbox.objects.access import Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class Presigner:
    """Makes presigned addresses."""

    clock: SandboxClock

    def presign(
        self,
        credential: Credential,
        method: str,
        url: str,
        *,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        region: str,
        seconds: int,
    ) -> str:
        """The address, signed together with *headers*, which the caller of it must send as they are."""
        stamp = self.clock.now().strftime(SIGV4_TIMESTAMP)
        signed = sorted({"host", *(name.lower() for name in headers)})
        members = {
            **query,
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{credential.access_key}/{stamp[:8]}/{region}/s3/aws4_request",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": ";".join(signed),
        }
        if credential.session_token is not None:
            members["X-Amz-Security-Token"] = credential.session_token
        text = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in members.items())
        unsigned = f"{url}?{text}"
        signature = signature_of(
            credential, method=method, url=unsigned, headers=headers, stamp=stamp, region=region, in_query=True
        )
        return f"{unsigned}&X-Amz-Signature={signature}"

    @staticmethod
    def encoded(key: str) -> str:
        """A key as it stands in an address."""
        return quote(key, safe="/~")


def signature_of(
    credential: Credential,
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    stamp: str,
    region: str,
    in_query: bool,
) -> str:
    """The signature that a request with exactly these signed headers must carry.

    *url* is the address as it was received, without the signature itself when that is in the query.
    """
    make = S3SigV4QueryAuth if in_query else S3SigV4Auth
    signer = make(_botocore_keys(credential), "s3", region)
    request = AWSRequest(method=method, url=url, headers=dict(headers))
    request.context["timestamp"] = stamp
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(text, request))


def same_signature(expected: str, given: str) -> bool:
    """Compare without telling how far they agree."""
    return hmac.compare_digest(expected.encode(), given.encode())


def parse_stamp(stamp: str) -> datetime:
    """The moment in an ``X-Amz-Date``; raises ValueError."""
    return datetime.strptime(stamp, SIGV4_TIMESTAMP).replace(tzinfo=UTC)


def _botocore_keys(credential: Credential) -> Credentials:
    return Credentials(credential.access_key, credential.secret_key, credential.session_token)
