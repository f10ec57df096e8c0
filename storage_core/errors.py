"""What can go wrong, drawn.

    SynapseStorageError
    ├── UsageError                 a wrong id, option or path                        exit 2
    │   ├── IndexUnusable          not an index, a damaged one, or another migration's
    │   └── ManifestUnusable       lines of a manifest that cannot be done: nothing was done
    ├── AccessError                no token, a wrong one, a missing scope or right   exit 3
    ├── VerificationMismatch       what was read back is not what was written        exit 4
    ├── FailureThresholdReached    more failures than --max-failures allows          exit 5
    ├── NotConfirmed               paused, awaiting confirmation, or declined        exit 6
    ├── IndexInUse                 another process has the index open                exit 7
    ├── ServiceUnavailable         no answer, or no answer that makes sense          exit 8
    ├── Interrupted                stopped by a person; resumable                    exit 130
    ├── TransferFailed             the bytes of one file could not be moved          exit 1
    │   ├── TransferBroken         the line broke or the place is busy: try again
    │   └── SourceChanged          a local file is not what it was a moment ago
    └── RestError                  Synapse refused one call
        ├── BadRequest             400, 413 and other refusals that never work
        ├── Forbidden              403
        ├── NotFound               404, 410
        ├── Conflict               409
        ├── PreconditionFailed     412: an etag or an expected handle is out of date
        └── ServerFault            5xx after all tries
            └── AnswerLost         sent, but whether it was done is unknown: read again

Expected trouble with one file is no exception but a value (``CopyFailed``, ``Drifted`` …) that ends in the
index with a reason code. An exception means: this batch, or this run, must stop.

Every error says what happened and, in ``fix``, what the reader can do about it.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells its caller; documented in the command line's help."""

    DONE = 0
    SOME_FAILED = 1
    USAGE = 2
    ACCESS = 3
    MISMATCH = 4
    THRESHOLD = 5
    NOT_CONFIRMED = 6
    INDEX_IN_USE = 7
    UNAVAILABLE = 8
    INTERRUPTED = 130


class SynapseStorageError(Exception):
    """Base of all our errors.

    Attributes:
        fix: one sentence that says what to do.
        exit_code: what the command line returns when this error ends it.
    """

    exit_code: ExitCode = ExitCode.SOME_FAILED

    def __init__(self, what: str, *, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.what} {self.fix}".strip()


class UsageError(SynapseStorageError):
    """The request itself is wrong; nothing was changed."""

    exit_code = ExitCode.USAGE


class IndexUnusable(UsageError):  # noqa: N818 - reads as what it says
    """The index file is damaged, no index at all, or belongs to another migration."""


class ManifestUnusable(UsageError):  # noqa: N818
    """Lines of a manifest cannot be done, so none was; each is told of with its number."""


class AccessError(SynapseStorageError):
    """Nobody is signed in, or the signed-in user may not do this."""

    exit_code = ExitCode.ACCESS


class VerificationMismatch(SynapseStorageError):  # noqa: N818
    """Something read back differs from what was written."""

    exit_code = ExitCode.MISMATCH


class FailureThresholdReached(SynapseStorageError):  # noqa: N818
    """More items failed than the caller allowed."""

    exit_code = ExitCode.THRESHOLD


class NotConfirmed(SynapseStorageError):  # noqa: N818
    """The plan was shown, and nobody agreed to it."""

    exit_code = ExitCode.NOT_CONFIRMED


class IndexInUse(SynapseStorageError):  # noqa: N818
    """Another process holds the index file."""

    exit_code = ExitCode.INDEX_IN_USE


class ServiceUnavailable(SynapseStorageError):  # noqa: N818
    """The service does not answer, or not in a language we understand, in spite of patience."""

    exit_code = ExitCode.UNAVAILABLE


class Interrupted(SynapseStorageError):  # noqa: N818
    """A person stopped the run; calling again goes on where it ended."""

    exit_code = ExitCode.INTERRUPTED


class TransferFailed(SynapseStorageError):  # noqa: N818
    """The bytes of one file could not be moved; those of others may."""


class TransferBroken(TransferFailed):
    """The line broke, or the place is busy: the same again, a little later, may work."""


class SourceChanged(TransferFailed):
    """A local file changed while it was read."""


class RestError(SynapseStorageError):
    """Synapse refused one call.

    Attributes:
        call: method and path, without query values, for example ``PUT /entity/syn1``.
        status: the HTTP status; 0 when no answer arrived.
        reason: what the service said, shortened.
        error_code: the service's ``errorCode``, mostly absent.
    """

    def __init__(self, *, call: str, status: int, reason: str, error_code: str | None = None, fix: str = "") -> None:
        answered = f"was answered {status}" if status else "got no answer"
        super().__init__(f"{call} {answered}: {reason}", fix=fix)
        self.call = call
        self.status = status
        self.reason = reason
        self.error_code = error_code


class BadRequest(RestError):  # noqa: N818
    """400 and other refusals that a repeat will not cure."""

    exit_code = ExitCode.USAGE


class Forbidden(RestError):  # noqa: N818
    """403: signed in, but not allowed to do this."""

    exit_code = ExitCode.ACCESS


class NotFound(RestError):  # noqa: N818
    """404 or 410: not there, in the trash, or retired."""

    exit_code = ExitCode.USAGE


class Conflict(RestError):  # noqa: N818
    """409: a sibling of that name exists, or the handle is still linked."""


class PreconditionFailed(RestError):  # noqa: N818
    """412: somebody was faster, or the MD5s differ; read again, then decide."""


class ServerFault(RestError):  # noqa: N818
    """5xx that did not go away within the allowed tries."""

    exit_code = ExitCode.UNAVAILABLE


class StillRunning(ServerFault):
    """A job that reads did not come to its end in the time we give it; it was asked to stop."""


class AnswerLost(ServerFault):
    """A change was sent, and whether it was made is unknown: read its object again, then decide (contract 13.6).

    Raised only for calls that must not be repeated blindly.
    """
