"""Implements `ports.storage.OwnerFile` on S3: the text by which a bucket names its owners (contract 2.3)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from storage_core.errors import AccessError, Conflict, UsageError
from storage_core.locations.rules import OWNER_FILE

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

LINES_READ = 100
"""The service looks no further."""
_TRIES = 3
_CHANGED_MEANWHILE = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_NO_OBJECT = {"NoSuchKey", "404"}
_NO_BUCKET = {"NoSuchBucket"}


class S3OwnerFile:
    """Writes with the AWS keys of the environment, of a profile, or of the machine, as every AWS tool finds them."""

    def __init__(self, *, profile: str | None = None) -> None:
        self._profile = profile

    def name(self, *, bucket: str, base_key: str | None, owners: tuple[str, ...]) -> str:
        """Make owner.txt name these owners, those it names already included; return its key.

        What stands there stays; our line comes first, because the service reads 100 lines. Somebody else's change
        at the same moment is not overwritten.

        Raises:
            AccessError: there are no AWS keys, or they may not read and write the object.
            UsageError: there is no such bucket.
            Conflict: somebody else keeps changing the object.
        """
        key = f"{base_key}/{OWNER_FILE}" if base_key else OWNER_FILE
        try:
            client = boto3.Session(profile_name=self._profile).client("s3")
            for _ in range(_TRIES):
                if _named(client, bucket, key, owners):
                    return key
        except ClientError as error:
            raise _explained(error, bucket, key) from error
        except BotoCoreError as error:
            raise AccessError(
                f"{key} cannot be written to bucket {bucket}: {error}.",
                fix="Give AWS keys that may, in the environment or with --aws-profile.",
            ) from error
        raise Conflict(
            call=f"PUT s3://{bucket}/{key}",
            status=409,
            reason="somebody else keeps changing it",
            fix="Run the same command again.",
        )


def _named(client: "S3Client", bucket: str, key: str, owners: Sequence[str]) -> bool:
    """Read, add, write if nobody was faster; False when somebody was."""
    condition: dict[str, Any]
    try:
        answer = client.get_object(Bucket=bucket, Key=key)
        present, condition = answer["Body"].read().decode(errors="replace"), {"IfMatch": answer["ETag"]}
    except ClientError as error:
        if _code(error) not in _NO_OBJECT:
            raise
        present, condition = "", {"IfNoneMatch": "*"}
    text = _with_owners(present, owners)
    if text == present:
        return True
    try:
        client.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="text/plain", **condition)
    except ClientError as error:
        if _code(error) not in _CHANGED_MEANWHILE:
            raise
        return False
    return True


def _with_owners(present: str, owners: Sequence[str]) -> str:
    named = {entry.strip().lower() for line in present.splitlines()[:LINES_READ] for entry in line.split(",")}
    if any(owner.lower() in named for owner in owners):
        return present
    return "\n".join([",".join(owners), *present.splitlines()]) + "\n"


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _explained(error: ClientError, bucket: str, key: str) -> AccessError | UsageError:
    if _code(error) in _NO_BUCKET:
        return UsageError(f"There is no bucket {bucket}.", fix="Correct its name.")
    return AccessError(
        f"S3 refused to let {key} be written to bucket {bucket}: {_code(error)}.",
        fix="Give AWS keys that may read and write it, in the environment or with --aws-profile.",
    )
