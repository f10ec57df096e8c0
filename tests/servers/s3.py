"""What a test needs to know of an S3 server, whoever made it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"


class Can(StrEnum):
    """Behaviour that not every server has. A test that needs one must fail where it is not declared."""

    DIGEST_PARTS = "the ETag of a copied range is the MD5 of its bytes, whatever the range"
    DESCRIBE_CHECKSUM = "GetObjectAttributes shows the object's checksum"
    TELL_REGION = "HeadBucket names the bucket's region"


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key, temporary ones with their token."""

    access: str
    secret: str
    token: str | None = None


class NoSessionsError(RuntimeError):
    """This server gives no temporary keys."""


def no_sessions(_bucket: str, _prefix: str, _read_only: bool) -> Keys:
    """What stands for `Server.session` where there are none."""
    raise NoSessionsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server. `session` issues keys for a prefix of a bucket."""

    name: str
    url: str
    owner: Keys
    session: Callable[[str, str, bool], Keys] = no_sessions
    lacks: frozenset[Can] = field(default_factory=frozenset)

    def client(self, keys: Keys | None = None) -> Any:
        """A boto3 client that does not hide failures behind retries."""
        chosen = keys or self.owner
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=chosen.access,
            aws_secret_access_key=chosen.secret,
            aws_session_token=chosen.token,
            config=Config(signature_version="s3v4", retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
