"""Who sent this S3 call? Signatures in the header or in the address, checked to the last header."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.objects import refusals
from sandbox.objects.access import Credential
from sandbox.objects.refusals import S3Refusal
from sandbox.objects.s3_http import S3Request
from sandbox.objects.signing import parse_stamp, same_signature, signature_of
from sandbox.objects.store import ObjectStore

ALGORITHM = "AWS4-HMAC-SHA256"
LONGEST_EXPIRY_SECONDS = 7 * 24 * 3600
GREATEST_SKEW = timedelta(minutes=15)
_SIGNATURE = re.compile(r"&?X-Amz-Signature=[^&]*")
_NEED_NO_SIGNATURE = {"x-amz-content-sha256"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A caller whose signature is right.

    Attributes:
        region: the region the call was signed for.
    """

    credential: Credential
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What a request says about its signature."""

    access_key: str
    date: str
    region: str
    stamp: str
    signed: tuple[str, ...]
    signature: str
    token: str | None
    expires_seconds: int | None


def authenticate(store: ObjectStore, request: S3Request) -> Caller:
    """The caller; refuses with the code S3 uses for what is wrong."""
    if "X-Amz-Algorithm" in request.query:
        claim = _claim_in_query(request)
    elif request.header("authorization"):
        claim = _claim_in_header(request)
    else:
        raise refusals.access_denied()
    credential = _credential(store, claim)
    _check_signature(credential, claim, request)
    _check_time(store, claim)
    _check_unsigned_headers(claim, request)
    return Caller(credential=credential, region=claim.region)


def _claim_in_query(request: S3Request) -> _Claim:
    query = request.query
    try:
        access_key, date, region = _scope(query["X-Amz-Credential"])
        expires = int(query["X-Amz-Expires"])
        claim = _Claim(
            access_key=access_key,
            date=date,
            region=region,
            stamp=query["X-Amz-Date"],
            signed=tuple(query["X-Amz-SignedHeaders"].split(";")),
            signature=query["X-Amz-Signature"],
            token=query.get("X-Amz-Security-Token"),
            expires_seconds=expires,
        )
    except (KeyError, ValueError) as error:
        raise S3Refusal(
            "AuthorizationQueryParametersError", "The query's signing members are missing or malformed", 400
        ) from error
    if not 0 < expires <= LONGEST_EXPIRY_SECONDS:
        raise S3Refusal("AuthorizationQueryParametersError", "X-Amz-Expires must be between 1 and 604800", 400)
    return claim


def _claim_in_header(request: S3Request) -> _Claim:
    algorithm, _, rest = (request.header("authorization") or "").partition(" ")
    members = dict(member.strip().partition("=")[::2] for member in rest.split(","))
    if algorithm != ALGORITHM:
        raise S3Refusal("InvalidRequest", "The authorization mechanism you have provided is not supported.", 400)
    try:
        access_key, date, region = _scope(members["Credential"])
        return _Claim(
            access_key=access_key,
            date=date,
            region=region,
            stamp=request.headers["x-amz-date"],
            signed=tuple(members["SignedHeaders"].split(";")),
            signature=members["Signature"],
            token=request.header("x-amz-security-token"),
            expires_seconds=None,
        )
    except (KeyError, ValueError) as error:
        raise S3Refusal("AuthorizationHeaderMalformed", "The authorization header is malformed", 400) from error


def _scope(credential: str) -> tuple[str, str, str]:
    access_key, date, region, service, terminator = credential.split("/")
    if (service, terminator) != ("s3", "aws4_request"):
        raise ValueError(credential)
    return access_key, date, region


def _credential(store: ObjectStore, claim: _Claim) -> Credential:
    found = store.credential(claim.access_key)
    if found is None or (found.session_token and not claim.token):
        raise S3Refusal("InvalidAccessKeyId", "The access key you provided does not exist in our records.", 403)
    if found.session_token != claim.token:
        raise S3Refusal("InvalidToken", "The provided token is malformed or otherwise invalid.", 400)
    if found.expires is not None and store.clock.now() >= found.expires:
        raise S3Refusal("ExpiredToken", "The provided token has expired.", 400)
    return found


def _check_signature(credential: Credential, claim: _Claim, request: S3Request) -> None:
    in_query = claim.expires_seconds is not None
    headers = {name: request.headers[name] for name in claim.signed if name in request.headers}
    expected = signature_of(
        credential,
        method=request.method,
        url=_SIGNATURE.sub("", request.url) if in_query else request.url,
        headers=headers,
        stamp=claim.stamp,
        region=claim.region,
        in_query=in_query,
    )
    is_complete = "host" in claim.signed and set(claim.signed) <= set(request.headers)
    if not (is_complete and claim.stamp.startswith(claim.date) and same_signature(expected, claim.signature)):
        raise S3Refusal(
            "SignatureDoesNotMatch", "The request signature we calculated does not match the one you provided.", 403
        )


def _check_time(store: ObjectStore, claim: _Claim) -> None:
    try:
        signed_at = parse_stamp(claim.stamp)
    except ValueError as error:
        raise refusals.access_denied("AWS authentication requires a valid Date or x-amz-date") from error
    now = store.clock.now()
    if claim.expires_seconds is None:
        # a moved sandbox clock must not lock out clients, who sign by the machine's
        if min(_apart(signed_at, now), _apart(signed_at, now - store.clock.shift)) > GREATEST_SKEW:
            raise S3Refusal("RequestTimeTooSkewed", "The request's time differs too much from the server's.", 403)
    elif now > signed_at + timedelta(seconds=claim.expires_seconds):
        raise refusals.access_denied("Request has expired")
    elif signed_at > now + GREATEST_SKEW and signed_at > now - store.clock.shift + GREATEST_SKEW:
        raise refusals.access_denied("Request is not yet valid")


def _check_unsigned_headers(claim: _Claim, request: S3Request) -> None:
    extra = [
        name
        for name in request.headers
        if name.startswith("x-amz-") and name not in claim.signed and name not in _NEED_NO_SIGNATURE
    ]
    if extra:
        raise refusals.access_denied("There were headers present in the request which were not signed")


def _apart(one: datetime, other: datetime) -> timedelta:
    return abs(one - other)
