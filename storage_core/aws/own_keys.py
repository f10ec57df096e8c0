"""Clients for S3-compatible stores, with the user's own keys."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from storage_core.aws.file_refusals import no_keys
from storage_core.errors import UsageError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_ANY_REGION = "us-east-1"
_SILENT_SECONDS = 120


def client_for(
    endpoint_url: str, bucket: str, *, profile: str | None, connections: int, connect_seconds: float
) -> "S3Client":
    """A client that speaks what stores of every age understand.

    Raises:
        AccessError: there is no such profile, or there are no keys at all.
        UsageError: the address is none.
    """
    amazon = (urlsplit(endpoint_url).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn"))
    try:
        session = boto3.Session(profile_name=profile)
        if session.get_credentials() is None:
            raise no_keys(endpoint_url, bucket, "neither a profile nor the environment has any")
        return session.client(
            "s3",
            endpoint_url=endpoint_url,
            region_name=session.region_name or _ANY_REGION,
            config=Config(
                signature_version="s3v4",
                # names of buckets as names of hosts are Amazon's custom; a store under a bare address cannot follow it
                s3={"addressing_style": "auto" if amazon else "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                retries={"mode": "standard", "total_max_attempts": 3},
                connect_timeout=connect_seconds,
                read_timeout=_SILENT_SECONDS,
                max_pool_connections=connections,
            ),
        )
    except BotoCoreError as error:
        raise no_keys(endpoint_url, bucket, str(error)) from error
    except ValueError as error:
        raise UsageError(f"{endpoint_url!r} is no address of an object store.", fix="Correct the location.") from error
