"""The servers refuse what must be refused: without that, what passes on them means nothing."""

import hmac
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.servers.nginx import SECRET, WebServer
from tests.servers.openssh import SftpServer
from tests.servers.processes import ServerMissingError, program
from tests.servers.s3 import Keys, Server

pytestmark = pytest.mark.real_server


@pytest.fixture(params=["seaweedfs", "juicefs"])
def s3(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def client(s3: Server) -> Iterator[Any]:
    with closing(s3.client()) as opened:
        yield opened


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return str(refused.value.response["Error"]["Code"])


def test_s3_refuses_a_wrong_signature(s3: Server, client: Any) -> None:
    client.create_bucket(Bucket="signed")
    with closing(s3.client(Keys(s3.owner.access, "not-the-secret-at-all"))) as stranger:
        assert "SignatureDoesNotMatch" == refusal(stranger.put_object, Bucket="signed", Key="a", Body=b"a")


def test_borrowed_keys_end_at_their_prefix(seaweedfs: Server) -> None:
    """Temporary keys of a real S3 read and write inside the prefix, nothing outside; read-only ones write nothing."""
    with closing(seaweedfs.client()) as owner:
        owner.create_bucket(Bucket="borrowed")
        owner.put_object(Bucket="borrowed", Key="theirs/a", Body=b"a")
        owner.put_object(Bucket="borrowed", Key="mine/a", Body=b"a")
    with closing(seaweedfs.client(seaweedfs.session("borrowed", "mine", False))) as writer:
        writer.put_object(Bucket="borrowed", Key="mine/b", Body=b"b")
        assert "AccessDenied" == refusal(writer.put_object, Bucket="borrowed", Key="theirs/b", Body=b"b")
        assert "AccessDenied" == refusal(writer.get_object, Bucket="borrowed", Key="theirs/a")
    with closing(seaweedfs.client(seaweedfs.session("borrowed", "mine", True))) as reader:
        with closing(reader.get_object(Bucket="borrowed", Key="mine/b")["Body"]) as body:
            assert b"b" == body.read()
        assert "AccessDenied" == refusal(reader.put_object, Bucket="borrowed", Key="mine/c", Body=b"c")


def sftp_says(
    sftp: SftpServer, folder: Path, batch: str, *, key: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Ask with OpenSSH's own client."""
    try:
        client = program("sftp", comes_with="the Debian package openssh-client")
    except ServerMissingError as reason:
        pytest.skip(f"NO REAL SERVER WAS ASKED (sftp): {reason}")
    known = sftp.known_hosts(folder / "known_hosts")
    options = {"UserKnownHostsFile": known, "StrictHostKeyChecking": "yes", "BatchMode": "yes", "IdentitiesOnly": "yes"}
    said = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    return subprocess.run(
        [client, "-F", "none", *said, "-i", str(key or sftp.user_key), "-P", str(sftp.port), "-b", "-",
         f"{sftp.username}@{sftp.host}"],
        input=batch, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_the_sftp_server_takes_files_and_keeps_its_users_in(sftp: SftpServer, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")

    done = sftp_says(sftp, tmp_path, f"put {tmp_path}/a.txt {sftp.upload_path}/a.txt\n")

    assert "a" == (sftp.upload / "a.txt").read_text(), done.stderr
    if sftp.has_passwords:
        assert 0 != sftp_says(sftp, tmp_path, "get /../../../../etc/passwd\n").returncode


def test_the_sftp_server_refuses_other_keys(sftp: SftpServer, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)

    done = sftp_says(sftp, tmp_path, "ls\n", key=other)

    assert "Permission denied" in done.stderr


@pytest.fixture
def browser(web: WebServer) -> Iterator[httpx.Client]:
    with httpx.Client(verify=ssl.create_default_context(cafile=str(web.certificates.authority))) as client:
        yield client


def signed(web: WebServer, path: str, *, secret: str = SECRET, expires_in: float = 30, **claims: str) -> str:
    """A file proxy's address, signed here by the words of the protocol alone."""
    expires = str(int((time.time() + expires_in) * 1000))
    values = {**claims, "expiration": expires}
    pairs = "&".join(f"{name}={value}" for name, value in sorted(values.items()))
    text = f"GET localhost {path}?{pairs}"
    signature = hmac.new(secret.encode(), text.encode(), "sha1").hexdigest()
    query = "&".join(f"{name}={quote_plus(value)}" for name, value in values.items())
    return f"{web.url}{path}?{query}&hmacSignature={signature}"


def test_the_file_proxy_serves_what_is_signed(web: WebServer, browser: httpx.Client) -> None:
    (web.files / "study 1").mkdir(exist_ok=True)
    (web.files / "study 1" / "a+b.bam").write_bytes(b"0123456789")
    url = signed(web, "/proxylocal/study%201/a+b.bam", fileName="a b.bam", contentType="application/octet-stream")

    assert b"0123456789" == browser.get(url).content
    assert b"456" == browser.get(url, headers={"Range": "bytes=4-6"}).content


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda web: signed(web, "/proxylocal/a", secret="x" * 40), "does not match"),
        (lambda web: signed(web, "/proxylocal/a", expires_in=-1), "expired"),
        (lambda web: signed(web, "/proxylocal/a").partition("&hmac")[0], "missing"),
        (lambda web: signed(web, "/proxylocal/a") + "&more=1", "does not match"),
        (lambda web: signed(web, "/proxylocal/a").replace("/a?", "/b?"), "does not match"),
    ],
)
def test_the_file_proxy_refuses_the_rest(web: WebServer, browser: httpx.Client, change: Any, reason: str) -> None:
    answer = browser.get(change(web))

    assert 401 == answer.status_code
    assert reason in answer.text


def test_its_certificate_is_worth_nothing_to_strangers(web: WebServer) -> None:
    with httpx.Client() as stranger, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        stranger.get(f"{web.url}/files/")
