"""S3 clients on borrowed keys, for moving files."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.config import Config

from storage_core.aws.borrowed import borrowing_session
from storage_core.model.credentials import StsToken

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_SILENT_SECONDS = 120


def borrowed_client(fetch: Callable[[], StsToken], *, connections: int) -> "S3Client":
    """A client whose keys are renewed before they end; a bucket in another region is found by S3's own redirect."""
    return borrowing_session(fetch).client(
        "s3",
        config=Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"mode": "standard", "total_max_attempts": 3},
            read_timeout=_SILENT_SECONDS,
            max_pool_connections=connections,
        ),
    )
