"""Each value arrives in its shell exactly as it is."""

import json
import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage_core.errors import UsageError
from storage_core.model.credentials import StsToken, TokenFormat
from storage_core.model.secret import Secret
from storage_core.plan.credentials import boto_arguments, credentials_text

NASTY = ["a b", "$HOME `id` \\ \"x\" 'y'", "it's", "%PATH% !x! ^ & | < >", "line\nbreak", "\u2019\u2018", "", "-n", "*"]
NAMES = ["SYNAPSE_STS_S3_LOCATION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]


def token(value: str = "plain", *, bucket: str | None = "lab", base_key: str | None = "a/b") -> StsToken:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return StsToken(
        bucket=bucket,
        base_key=base_key,
        access_key_id="ASIA",
        secret_access_key=Secret(value),
        session_token=Secret(value),
        expiration=moment,
        expiration_text="2026-01-01T00:00:00.000Z",
    )


def seen_by_bash(text: str) -> list[str]:
    shown = " ".join(f'"${name}"' for name in NAMES)
    script = f"""eval "$1"; printf '%s\\0' {shown}"""
    # as bytes: a text would come back with other ends of lines
    done = subprocess.run(["bash", "-c", script, "-", text], capture_output=True, check=True)
    assert b"" == done.stderr
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("value", NASTY)
def test_bash_sees_the_value_itself(value: str) -> None:
    told = credentials_text(token(value, base_key=f"a/{value}"), TokenFormat.BASH)

    assert [f"s3://lab/a/{value}", "ASIA", value, value] == seen_by_bash(told)


@settings(max_examples=15)
@given(value=st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=30))
def test_bash_sees_any_value(value: str) -> None:
    assert value == seen_by_bash(credentials_text(token(value), TokenFormat.BASH))[2]


@pytest.mark.parametrize("value", NASTY)
def test_powershell_sees_the_value_itself(value: str) -> None:
    told = credentials_text(token(value), TokenFormat.POWERSHELL)
    quoted = told.split("AWS_SESSION_TOKEN=", 1)[1].removesuffix("\n")

    # what PowerShell does with a single-quoted text: nothing, but that two quotes of any kind stand for one
    assert quoted[0] == quoted[-1] == "'"
    inner, seen = iter(quoted[1:-1]), ""
    for sign in inner:
        seen += sign
        assert sign not in "'\u2018\u2019\u201a\u201b" or sign == next(inner)
    assert value == seen


@pytest.mark.skipif(shutil.which("pwsh") is None, reason="no PowerShell on this machine: its rule is tested above")
@pytest.mark.parametrize("value", NASTY)
def test_a_real_powershell_sees_the_value_itself(value: str) -> None:
    told = credentials_text(token(value), TokenFormat.POWERSHELL)
    script = f"{told}[Console]::Out.Write($Env:AWS_SESSION_TOKEN)"
    done = subprocess.run(["pwsh", "-NoProfile", "-Command", script], capture_output=True, text=True, check=True)

    assert value == done.stdout


def test_cmd_gets_no_quotes_into_its_values() -> None:
    told = credentials_text(token("a b&c"), TokenFormat.CMD)

    assert [
        'set "SYNAPSE_STS_S3_LOCATION=s3://lab/a/b"',
        'set "AWS_ACCESS_KEY_ID=ASIA"',
        'set "AWS_SECRET_ACCESS_KEY=a b&c"',
        'set "AWS_SESSION_TOKEN=a b&c"',
    ] == told.splitlines()


@pytest.mark.parametrize("value", ['a"b', "%PATH%", "a!b", "a\nb"])
def test_cmd_is_refused_what_it_cannot_take(value: str) -> None:
    with pytest.raises(UsageError, match="AWS_SECRET_ACCESS_KEY holds a character that cmd cannot take") as refused:
        credentials_text(token(value), TokenFormat.CMD)
    assert value not in str(refused.value)


def test_json_has_the_names_of_the_service_and_boto_those_of_boto3() -> None:
    assert {
        "bucket": "lab",
        "baseKey": "a/b",
        "accessKeyId": "ASIA",
        "secretAccessKey": "plain",
        "sessionToken": "plain",
        "expiration": "2026-01-01T00:00:00.000Z",
    } == json.loads(credentials_text(token(), TokenFormat.JSON))
    expected = {"aws_access_key_id": "ASIA", "aws_secret_access_key": "plain", "aws_session_token": "plain"}
    assert expected == boto_arguments(token()) == json.loads(credentials_text(token(), TokenFormat.BOTO))


def test_an_unknown_place_is_left_out_and_a_bucket_alone_has_no_slash() -> None:
    nowhere = credentials_text(token(bucket=None), TokenFormat.BASH)
    alone = credentials_text(token(base_key=None), TokenFormat.BASH)

    assert "SYNAPSE_STS_S3_LOCATION" not in nowhere
    assert "export SYNAPSE_STS_S3_LOCATION='s3://lab'" == alone.splitlines()[0]


def test_a_token_prints_without_its_secrets() -> None:
    assert "planted" not in repr(token("planted-secret"))
