"""The S3 servers that the contract suite runs against, each with what it is known not to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.server import SandboxOptions, running_sandbox
from tests.servers.processes import ServerMissingError
from tests.servers.s3 import REGION, Can, Keys, Server
from tests.servers.seaweedfs import seaweedfs_server

__all__ = ["REGION", "Can", "Keys", "Server", "ServerMissingError", "sandbox_server", "seaweedfs_server"]


@contextmanager
def sandbox_server() -> Iterator[Server]:
    """Our own S3, in a thread."""
    with running_sandbox(SandboxOptions(wait_scale=0)) as sandbox:
        store = sandbox.world.objects

        def session(bucket: str, prefix: str, read_only: bool) -> Keys:
            issued = store.issue_session(bucket, prefix, read_only=read_only)
            return Keys(issued.access_key, issued.secret_key, issued.session_token)

        owner = Keys(store.owner.access_key, store.owner.secret_key)
        yield Server(name="sandbox", url=sandbox.s3_url, owner=owner, session=session)
