"""What the object store refuses, with the code, the words and the status S3 uses for it."""

from collections.abc import Mapping


class S3Refusal(Exception):  # noqa: N818 - the store refuses; nothing is broken
    """An error answer of the object store. `details` are further members of its document."""

    def __init__(self, code: str, message: str, status: int = 400, *, details: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.details = dict(details or {})


def access_denied(message: str = "Access Denied") -> S3Refusal:
    """403: the caller is known but may not do this."""
    return S3Refusal("AccessDenied", message, 403)


def no_such_bucket(name: str) -> S3Refusal:
    """404: there is no bucket of this name."""
    return S3Refusal("NoSuchBucket", f"The specified bucket does not exist: {name}", 404)


def no_such_key(key: str) -> S3Refusal:
    """404: the bucket has no such object."""
    return S3Refusal("NoSuchKey", f"The specified key does not exist: {key}", 404)


def no_such_upload() -> S3Refusal:
    """404: never started, aborted, or already completed."""
    return S3Refusal("NoSuchUpload", "The specified upload does not exist; it may have been aborted or completed.", 404)


def precondition_failed(condition: str) -> S3Refusal:
    """412: the object is not the one the caller had in mind."""
    return S3Refusal("PreconditionFailed", f"At least one of the preconditions did not hold: {condition}", 412)


def invalid_argument(message: str) -> S3Refusal:
    """400: a value that cannot be used here."""
    return S3Refusal("InvalidArgument", message, 400)


def archived() -> S3Refusal:
    """403: the bytes are in an archive class and must be restored before they can be read or copied."""
    return S3Refusal("InvalidObjectState", "The operation is not valid for the object's storage class", 403)


def copy_source_too_large() -> S3Refusal:
    """400: one copy request moves at most 5 GiB."""
    return S3Refusal(
        "InvalidRequest", "The specified copy source is larger than the maximum allowable size: 5368709120", 400
    )


def range_not_satisfiable(size: int) -> S3Refusal:
    """416: the range begins behind the end."""
    return S3Refusal(
        "InvalidRange", "The requested range is not satisfiable", 416, details={"ActualObjectSize": str(size)}
    )
