"""The proof that a bucket is the caller's: the service reads `owner.txt` in it (contract 2.3)."""

from typing import TYPE_CHECKING

from sandbox.objects.refusals import S3Refusal
from sandbox.synapse.http import Refused
from sandbox.synapse.principals import CERTIFIED_USERS_ID, PUBLIC_ID, SIGNED_IN_USERS_ID

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

OWNER_FILE = "owner.txt"
LINES_READ = 100
_NOT_A_GROUP_OF_OWNERS = {SIGNED_IN_USERS_ID, PUBLIC_ID, CERTIFIED_USERS_ID}


def require_bucket_owner(world: "World", user: "User", *, bucket: str, base_key: str | None) -> None:
    """400 unless the bucket can be read and its owner file names the user; administrators need no owner file."""
    require_reachable(world, bucket)
    if user.is_administrator:
        return
    key = f"{base_key}/{OWNER_FILE}" if base_key else OWNER_FILE
    if names_of(user).isdisjoint(_entries(_owner_text(world, bucket, key))):
        raise Refused(400, f"The object {key} in bucket {bucket} names neither you nor one of your teams")


def require_reachable(world: "World", bucket: str) -> None:
    """400 when the bucket does not exist or its region cannot be told."""
    try:
        world.objects.bucket(bucket)
    except S3Refusal as refusal:
        raise Refused(400, f"Bucket {bucket} cannot be reached: {refusal.message}") from refusal


def names_of(user: "User") -> set[str]:
    """By what an owner file may call the user: id, name, e-mail addresses and team ids, in lower case."""
    teams = user.team_ids - _NOT_A_GROUP_OF_OWNERS
    return {name.lower() for name in (user.id, user.name, *user.emails, *teams)}


def _owner_text(world: "World", bucket: str, key: str) -> str:
    try:
        text = world.objects.get(bucket, key).content.bytes().decode(errors="replace")
    except S3Refusal as refusal:
        raise Refused(400, f"Could not read {key} in bucket {bucket}: {refusal.message}") from refusal
    if not text.strip():
        raise Refused(400, f"The object {key} in bucket {bucket} is empty")
    return text


def _entries(text: str) -> set[str]:
    return {entry.strip().lower() for line in text.splitlines()[:LINES_READ] for entry in line.split(",")}
