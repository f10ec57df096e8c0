"""What every script of the judge starts with. Runs in the judge's own environment, never in ours.

A script reads its wishes as one JSON argument and ends by printing one JSON document as its last line.
"""

import hashlib
import json
import os
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import synapseclient

WISHES: dict[str, Any] = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
PLACE = Path.cwd()


def sign_in(token: str | None = None, *, cache: str = "cache", config: str = "no-such-config") -> synapseclient.Synapse:
    """The real client, pointed at the sandbox, with caches and settings in the present folder."""
    warnings.simplefilter("ignore")
    client = synapseclient.Synapse(
        repoEndpoint=os.environ["SYNAPSE_REPO_ENDPOINT"],
        fileHandleEndpoint=os.environ["SYNAPSE_FILE_ENDPOINT"],
        authEndpoint=os.environ["SYNAPSE_AUTH_ENDPOINT"],
        portalEndpoint=os.environ["SYNAPSE_REPO_ENDPOINT"],
        configPath=str(PLACE / config),
        cache_root_dir=str(PLACE / cache),
        silent=True,
    )
    client.login(authToken=token or os.environ["SYNAPSE_AUTH_TOKEN"], silent=True)
    return client


def written(name: str, size_bytes: int, *, seed: int) -> str:
    """A file of random bytes; the path of it. One folder per seed: the client's cache mistakes overwritten files."""
    path = PLACE / "files" / str(seed) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(random.Random(seed).randbytes(size_bytes))
    return str(path)


def md5_of(path: str) -> str:
    return hashlib.md5(Path(path).read_bytes()).hexdigest()


def answer(document: Any) -> None:
    """Hand the findings to the test."""
    print()
    print(json.dumps(document))
