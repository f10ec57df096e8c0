"""What S3 refuses, in our words: the one place that reads boto3's errors."""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

_LONGEST_DETAIL = 300
_SERVER_FAULT = 500


class ObjectTrouble(StrEnum):
    """What to do about it."""

    DENIED = "denied"  # the keys are missing, or may not do this
    CHANGED = "changed"  # the object is another than was expected
    GONE = "gone"  # there is no such object or bucket
    NO_UPLOAD = "no upload"  # there is no such multipart upload
    BUSY = "busy"  # the same again, a little later
    REFUSED = "refused"  # no repeat helps


class ObjectRefused(Exception):  # noqa: N818 - reads as what it says; never leaves the engine that asked
    """S3 did not do it, or nobody knows whether it did."""

    def __init__(self, trouble: ObjectTrouble, detail: str) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.detail = detail


_BY_CODE = {
    "AccessDenied": ObjectTrouble.DENIED,
    "AllAccessDisabled": ObjectTrouble.DENIED,
    "Forbidden": ObjectTrouble.DENIED,
    "InvalidAccessKeyId": ObjectTrouble.DENIED,
    "SignatureDoesNotMatch": ObjectTrouble.DENIED,
    "ExpiredToken": ObjectTrouble.DENIED,
    "InvalidToken": ObjectTrouble.DENIED,
    "PreconditionFailed": ObjectTrouble.CHANGED,
    "NoSuchKey": ObjectTrouble.GONE,
    "NoSuchBucket": ObjectTrouble.GONE,
    "NotFound": ObjectTrouble.GONE,
    "NoSuchUpload": ObjectTrouble.NO_UPLOAD,
    "SlowDown": ObjectTrouble.BUSY,
    "InternalError": ObjectTrouble.BUSY,
    "ServiceUnavailable": ObjectTrouble.BUSY,
    "OperationAborted": ObjectTrouble.BUSY,
    "RequestTimeout": ObjectTrouble.BUSY,
    "RequestTimeTooSkewed": ObjectTrouble.DENIED,
}
_BY_STATUS = {
    401: ObjectTrouble.DENIED,
    403: ObjectTrouble.DENIED,
    404: ObjectTrouble.GONE,
    408: ObjectTrouble.BUSY,
    409: ObjectTrouble.BUSY,
    412: ObjectTrouble.CHANGED,
    429: ObjectTrouble.BUSY,
}


def refusal_of(error: "ClientError | BotoCoreError") -> ObjectRefused:
    """The same in our words, without anything secret: boto3 puts neither keys nor signatures into its errors."""
    from botocore import exceptions, parsers  # late: slow to import

    if isinstance(error, exceptions.ClientError):
        return _answered(error)
    # lines that break and answers that make no sense; every other error of the library is about keys and settings
    passing = (
        exceptions.ConnectionError,
        exceptions.HTTPClientError,
        exceptions.IncompleteReadError,
        parsers.ResponseParserError,
    )
    trouble = ObjectTrouble.BUSY if isinstance(error, passing) else ObjectTrouble.DENIED
    return ObjectRefused(trouble, f"no answer from S3: {error}"[:_LONGEST_DETAIL])


def _answered(error: "ClientError") -> ObjectRefused:
    said = error.response.get("Error", {})
    code, message = str(said.get("Code", "")), str(said.get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    known = _BY_CODE.get(code) or _BY_STATUS.get(status)
    is_faulty = status >= _SERVER_FAULT or status == 200  # noqa: PLR2004 - an error document under 200
    trouble = known or (ObjectTrouble.BUSY if is_faulty else ObjectTrouble.REFUSED)
    detail = f"S3 answered {error.operation_name} with {status or code}: {code} {message}".strip()
    return ObjectRefused(trouble, detail[:_LONGEST_DETAIL])
