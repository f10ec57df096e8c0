"""Temporary credentials as texts for people, shells and tools; each value arrives in its shell exactly as it is."""

import json
from collections.abc import Iterator
from shlex import quote

from storage_core.errors import UsageError
from storage_core.model.credentials import StsToken, TokenFormat

# PowerShell takes these for the end of a single-quoted text too
_QUOTES_OF_POWERSHELL = "'\u2018\u2019\u201a\u201b"
# inside quotes cmd still acts on these, and there is no way to write them for both its prompt and its batch files
_BEYOND_CMD = frozenset('"%!\r\n')


def boto_arguments(token: StsToken) -> dict[str, str]:
    """Keywords for ``boto3.client("s3", **...)`` and ``boto3.Session(**...)``."""
    return {
        "aws_access_key_id": token.access_key_id,
        "aws_secret_access_key": token.secret_access_key.reveal(),
        "aws_session_token": token.session_token.reveal(),
    }


def credentials_text(token: StsToken, form: TokenFormat) -> str:
    """The credentials in one of the forms that are texts; each ends with a line break.

    Raises:
        UsageError: a value cannot be written for that shell.
        ValueError: *form* is `TokenFormat.SHELL`: say which shell.
    """
    match form:
        case TokenFormat.BASH:
            return "".join(f"export {name}={_in_bash(value)}\n" for name, value in _variables(token))
        case TokenFormat.CMD:
            return "".join(f'set "{name}={_in_cmd(name, value)}"\n' for name, value in _variables(token))
        case TokenFormat.POWERSHELL:
            return "".join(f"$Env:{name}={_in_powershell(value)}\n" for name, value in _variables(token))
        case TokenFormat.JSON:
            return json.dumps(_as_sent(token), indent=2) + "\n"
        case TokenFormat.BOTO:
            return json.dumps(boto_arguments(token), indent=2) + "\n"
        case TokenFormat.SHELL:
            raise ValueError("which shell it is has to be known by now")


def _variables(token: StsToken) -> Iterator[tuple[str, str]]:
    if token.s3_address is not None:
        yield "SYNAPSE_STS_S3_LOCATION", token.s3_address
    yield "AWS_ACCESS_KEY_ID", token.access_key_id
    yield "AWS_SECRET_ACCESS_KEY", token.secret_access_key.reveal()
    yield "AWS_SESSION_TOKEN", token.session_token.reveal()


def _as_sent(token: StsToken) -> dict[str, str]:
    """With the names that the service uses and scripts know."""
    body = {
        "bucket": token.bucket,
        "baseKey": token.base_key,
        "accessKeyId": token.access_key_id,
        "secretAccessKey": token.secret_access_key.reveal(),
        "sessionToken": token.session_token.reveal(),
        "expiration": token.expiration_text,
    }
    return {name: value for name, value in body.items() if value is not None}


def _in_bash(value: str) -> str:
    return quote(value) if quote(value) != value else f"'{value}'"


def _in_powershell(value: str) -> str:
    return "'" + "".join(sign * 2 if sign in _QUOTES_OF_POWERSHELL else sign for sign in value) + "'"


def _in_cmd(name: str, value: str) -> str:
    if _BEYOND_CMD & set(value):
        raise UsageError(
            f"{name} holds a character that cmd cannot take in a `set` command.",
            fix="Use -o powershell or -o json.",
        )
    return value
