"""Temporary credentials for the bucket behind an STS-enabled folder (contract 5)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage_core.model.secret import Secret


class StsPermission(StrEnum):
    """What temporary credentials allow."""

    READ_ONLY = "read_only"
    READ_WRITE = "read_write"


class TokenFormat(StrEnum):
    """How credentials are written down."""

    BOTO = "boto"
    JSON = "json"
    SHELL = "shell"
    BASH = "bash"
    CMD = "cmd"
    POWERSHELL = "powershell"


@dataclass(frozen=True, slots=True, kw_only=True)
class StsToken:
    """Temporary credentials. They reach the whole base key of the location, not the one entity asked for."""

    bucket: str | None
    base_key: str | None
    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expiration: datetime
    expiration_text: str
    """As the service wrote it."""

    def life_left(self, now: datetime) -> timedelta:
        """How long it still works; negative when it does not."""
        return self.expiration - now

    @property
    def s3_address(self) -> str | None:
        """``s3://bucket/base/key``; None when the bucket was not told."""
        if not self.bucket:
            return None
        return f"s3://{self.bucket}/{self.base_key}" if self.base_key else f"s3://{self.bucket}"
