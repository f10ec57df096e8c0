"""What Amazon's library raises while a file moves, as our errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ResponseStreamingError,
    SSLError,
)
from botocore.exceptions import (
    ConnectionError as EndpointError,
)
from urllib3.exceptions import HTTPError

from storage_core.errors import AccessError, SynapseStorageError, TransferBroken, TransferFailed

_AGAIN = "Run the same command again; it goes on from here."
_NO_KEYS = (NoCredentialsError, PartialCredentialsError, ProfileNotFound, CredentialRetrievalError)
_LINE = (EndpointError, HTTPClientError, IncompleteReadError, ResponseStreamingError, HTTPError, ConnectionError)
_REFUSED = frozenset({401, 403})
_BUSY = frozenset({408, 429})
_BUSY_CODES = frozenset({"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "OperationAborted"})
_FULL_CODES = frozenset({"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "XMinioAdminBucketQuotaExceeded"})
_GONE_CODES = frozenset({"NoSuchBucket", "NoSuchKey", "NotFound", "404"})
_SERVER_FAULT = 500
_FULL = 507


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An object, for messages."""

    server: str
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.key} in bucket {self.bucket} of {self.server}"


def code_of(error: ClientError) -> str:
    """S3's own word for it."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def translated(place: Place, doing: str) -> Iterator[None]:
    """Turn what the library raises into our errors; *doing* completes "could not"."""
    try:
        yield
    except ClientError as error:
        raise _refusal(error, place, doing) from error
    except _NO_KEYS as error:
        raise no_keys(place.server, place.bucket, str(error)) from error
    except SSLError as error:
        raise AccessError(
            f"{place.server} shows a certificate that nobody you trust has signed: it may be somebody else.",
            fix="Ask who runs it; a certificate authority of your own is named by AWS_CA_BUNDLE.",
        ) from error
    except _LINE as error:
        raise TransferBroken(f"{place}: the line broke, could not {doing} ({error}).", fix=_AGAIN) from error
    except BotoCoreError as error:
        raise TransferFailed(
            f"{place}: could not {doing} ({error}).", fix="Correct the address or the keys."
        ) from error


def no_keys(server: str, bucket: str, why: str) -> AccessError:
    """The error for a store whose keys are not configured."""
    return AccessError(
        f"There are no keys for {server}: {why}.",
        fix=f"Write a section [{server}/{bucket}] with profile_name to ~/.synapseConfig and that profile to"
        " ~/.aws/credentials, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    )


def _refusal(error: ClientError, place: Place, doing: str) -> SynapseStorageError:
    code = code_of(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    what = f"{place}: could not {doing} ({code or status})."
    if code in _FULL_CODES or status == _FULL:
        return TransferFailed(f"{place.server} is full: {what}", fix="Ask its owner for more room, then run again.")
    if code in _GONE_CODES:
        return TransferFailed(f"There is no {place}.", fix="Check bucket and key, or ask the owner of the location.")
    if status in _REFUSED:
        return AccessError(what, fix=f"Check the keys for {place.server}, and what they may do in that bucket.")
    if code in _BUSY_CODES or status in _BUSY or status >= _SERVER_FAULT:
        return TransferBroken(what, fix=_AGAIN)
    return TransferFailed(what, fix="Ask the owner of the store what its log says.")
