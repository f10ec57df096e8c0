"""Where an export goes that is not a folder of this machine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketFolder:
    """A bucket and a prefix in it, without slashes at its ends; the empty prefix is the bucket itself."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        """As people write it."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def key_of(self, name: str) -> str:
        """The key of something in it."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def below(self, name: str) -> "BucketFolder":
        """The folder called *name* in it."""
        return BucketFolder(bucket=self.bucket, prefix=self.key_of(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """A file as a manifest lists it: its name below the manifest's folder, and the SHA-256 of its bytes."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportManifest:
    """What a manifest says of its export.

    Attributes:
        last_event_hash: where the chain through the event log ends; None when the index had no chain.
    """

    files: tuple[ExportedFile, ...]
    last_event_hash: str | None
