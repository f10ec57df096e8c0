"""Writes exports into a bucket with the user's own AWS keys; implements `ports.storage.ExportBucket`."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from storage_core.aws.refusals import ObjectRefused, ObjectTrouble, refusal_of
from storage_core.errors import AccessError, ServiceUnavailable, UsageError
from storage_core.model.exports import BucketFolder

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_HASH_BYTES: Final = 1024 * 1024
_NO_KEY = "NoSuchKey"


class S3ExportBucket:
    """Keys, region and address are found as every AWS tool finds them: environment, profile, machine."""

    def __init__(self, place: BucketFolder) -> None:
        """Contact nobody yet.

        Raises:
            AccessError: there are no AWS keys.
        """
        self._place = place
        with self._explained("be reached"):
            session = boto3.Session()
            if session.get_credentials() is None:
                raise AccessError(
                    f"No AWS keys to write to {place} with.",
                    fix="Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret.",
                )
            self._client: S3Client = session.client(
                "s3",
                config=Config(
                    signature_version="s3v4",
                    # the MD5 that goes with each object is checked by stores of every age
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    retries={"mode": "standard", "total_max_attempts": 5},
                ),
            )

    def __str__(self) -> str:
        """Its address."""
        return str(self._place)

    def read(self, name: str) -> bytes | None:
        """See ports."""
        with self._explained(f"be asked for {name}"):
            try:
                answer = self._client.get_object(Bucket=self._place.bucket, Key=self._place.key_of(name))
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == _NO_KEY:
                    return None
                raise
            return answer["Body"].read()

    def write(self, name: str, path: Path, *, content_type: str) -> None:
        """See ports."""
        with self._explained(f"take {name}"), path.open("rb") as file:
            self._client.put_object(
                Bucket=self._place.bucket,
                Key=self._place.key_of(name),
                Body=file,
                ContentLength=path.stat().st_size,
                ContentMD5=_md5(path),
                ContentType=content_type,
            )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            raise _in_words(refusal_of(error), self._place, doing) from error


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_HASH_BYTES):
            digest.update(block)
    return base64.b64encode(digest.digest()).decode("ascii")


def _in_words(refused: ObjectRefused, place: BucketFolder, doing: str) -> AccessError | ServiceUnavailable | UsageError:
    what = f"{place} cannot {doing}: {refused.detail}"
    match refused.trouble:
        case ObjectTrouble.DENIED:
            return AccessError(what, fix="Give AWS keys that may read and write there.")
        case ObjectTrouble.BUSY | ObjectTrouble.CHANGED | ObjectTrouble.NO_UPLOAD:
            return ServiceUnavailable(
                what, fix="Run the same again a little later; nothing of an earlier export is lost."
            )
        case ObjectTrouble.GONE | ObjectTrouble.REFUSED:
            return UsageError(what, fix="Give a bucket that exists, as s3://bucket/prefix.")
