"""Credentials as Prefect blocks, for workers that hold none of their own.

    prefect block register --module flows.credentials      the types, for the UI
    python deployments/keep_credentials.py NAME             keep what this machine's environment and file hold as NAME

A flow's parameter ``credentials`` is the *name* of such blocks; what is in them is never a parameter. Whoever reaches
the server's interface can read a block, so a machine's own environment or ``~/.synapseConfig`` stays the better place.
"""

import re
from dataclasses import replace
from typing import TypeVar

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from storage_core.config import AwsKeys, Config, Flags, Secret, SftpLogin, aws_keys, load_config, use_aws_keys
from storage_core.errors import UsageError

B = TypeVar("B", bound=Block)


class SynapseToken(Block):
    """A personal access token of Synapse with the scopes view, download and modify."""

    _block_type_name = "Synapse token"
    _block_type_slug = "synapse-token"

    auth_token: SecretStr = Field(description="The token; it is shown to nobody again.")


class SynapseStorageAwsKeys(Block):
    """Keys for Amazon S3, or for a store that speaks its language."""

    _block_type_name = "Synapse storage AWS keys"
    _block_type_slug = "synapse-storage-aws-keys"

    access_key_id: str = Field(description="The key's id.")
    secret_access_key: SecretStr = Field(description="The key itself.")
    session_token: SecretStr = Field(default=SecretStr(""), description="Of temporary keys.")
    region: str = Field(default="", description="The region when none is named elsewhere.")


class SynapseStorageSftpLogin(Block):
    """Who we are at an SFTP server."""

    _block_type_name = "Synapse storage SFTP login"
    _block_type_slug = "synapse-storage-sftp-login"

    url: str = Field(pattern=r"^sftp://[^/]+", description="The server, as sftp://host.")
    username: str = Field(description="The user there.")
    password: SecretStr = Field(description="The user's password.")


BLOCKS: tuple[type[Block], ...] = (SynapseToken, SynapseStorageAwsKeys, SynapseStorageSftpLogin)


_BLOCK_NAME = re.compile(r"[a-z0-9-]+")
"""What Prefect accepts; with any other name it fails after it was given the secret."""


def configuration(name: str = "") -> Config:
    """Addresses, limits and secrets for a flow run: from the blocks called *name*, else from this machine alone.

    The Synapse token must be there; AWS keys and an SFTP login of that name are used when there are such.

    Raises:
        AccessError: see `config.load_config`.
        UsageError: there is no token of that name, or see `config.load_config`.
    """
    if not name:
        return load_config()
    token = _found(SynapseToken, name)
    if token is None:
        raise UsageError(
            f"Prefect has no block {SynapseToken.get_block_type_slug()}/{name}.",
            fix="Make it with deployments/keep_credentials.py or in Prefect's UI, or leave credentials empty.",
        )
    config = load_config(flags=Flags(token=Secret(token.auth_token.get_secret_value())))
    if (keys := _found(SynapseStorageAwsKeys, name)) is not None:
        use_aws_keys(
            AwsKeys(
                access_key_id=keys.access_key_id,
                secret_access_key=Secret(keys.secret_access_key.get_secret_value()),
                session_token=Secret(keys.session_token.get_secret_value()),
                region=keys.region,
            )
        )
    if (login := _found(SynapseStorageSftpLogin, name)) is not None:
        password = Secret(login.password.get_secret_value())
        kept = SftpLogin(url=login.url, username=login.username, password=password)
        others = tuple(one for one in config.sftp_logins if one.url != login.url)
        config = replace(config, sftp_logins=(kept, *others))
    return config


def keep(name: str) -> list[str]:
    """Save what this machine's environment and file hold as blocks called *name*; what was saved, in words.

    Raises:
        UsageError: Prefect has no blocks of such a name; see also `config.load_config`.
    """
    if not _BLOCK_NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a block.", fix="Take small letters, digits and dashes.")
    config = load_config()
    SynapseToken(auth_token=SecretStr(config.token.reveal())).save(name, overwrite=True)
    saved = ["the Synapse token"]
    if (keys := aws_keys()) is not None:
        SynapseStorageAwsKeys(
            access_key_id=keys.access_key_id,
            secret_access_key=SecretStr(keys.secret_access_key.reveal()),
            session_token=SecretStr(keys.session_token.reveal()),
            region=keys.region,
        ).save(name, overwrite=True)
        saved.append("AWS keys")
    for login in config.sftp_logins[:1]:
        SynapseStorageSftpLogin(
            url=login.url, username=login.username, password=SecretStr(login.password.reveal())
        ).save(name, overwrite=True)
        saved.append(f"the login of {login.url}")
    return saved


def _found(kind: type[B], name: str) -> B | None:
    """The block, or None when there is none of that name."""
    try:
        found = kind.load(name)
    except ValueError:
        return None
    return found if isinstance(found, kind) else None
