"""One frozen `Config`, read once; nothing else in the product looks at the environment.

Flags win over the environment, the environment over ``~/.synapseConfig``, the file over the defaults. One exception
follows from that order: a profile named by a flag brings its own token, which then wins over the environment's.
"""

import configparser
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from storage_core.errors import AccessError, UsageError
from storage_core.model.credentials import TokenFormat
from storage_core.model.prices import DEFAULT_PRICES, Prices
from storage_core.model.secret import Secret
from storage_core.plan.price_settings import SECTION as PRICES
from storage_core.plan.price_settings import prices_from
from storage_core.plan.retrying import Patience

__all__ = ["Config", "Flags", "ObjectStoreProfile", "Secret", "SftpLogin", "load_config", "this_shell"]

REPO_ENDPOINT = "https://repo-prod.prod.sagebase.org/repo/v1"
FILE_ENDPOINT = "https://file-prod.prod.sagebase.org/file/v1"
AUTH_ENDPOINT = "https://auth-prod.prod.sagebase.org/auth/v1"
MOST_CALLS_PER_MINUTE = 60_000
MOST_CALLS_IN_FLIGHT = 1_000
MOST_S3_CONNECTIONS = 10_000
_TOKEN = re.compile(r"[\x21-\x7e]+")
_GET_A_TOKEN = (
    "Make a personal access token with the scopes view, download and modify at "  # noqa: S105 - a sentence
    "https://www.synapse.org/PersonalAccessTokens, then set SYNAPSE_AUTH_TOKEN or write it to ~/.synapseConfig "
    "as authtoken under [default]."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SftpLogin:
    """A section ``[sftp://host]`` of the configuration file, or the login that the environment gives.

    Attributes:
        url: of the server, perhaps with its port.
        password: empty when there is none.
        private_key: path of a private key, which `passphrase` opens.
        host_key: what the server shows: a public key as in known_hosts, or its ``SHA256:`` fingerprint. None: whatever
            known_hosts says.
    """

    url: str
    username: str
    password: Secret
    private_key: str | None = None
    passphrase: Secret | None = None
    host_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStoreProfile:
    """A section ``[https://endpoint/bucket]``: which AWS profile holds the keys of that store."""

    url: str
    profile_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What the caller said on the command line; None means: not said."""

    token: Secret | None = None
    profile: str | None = None
    repo_endpoint: str | None = None
    file_endpoint: str | None = None
    auth_endpoint: str | None = None
    calls_per_minute: int | None = None
    calls_in_flight: int | None = None
    s3_connections: int | None = None
    patience_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Addresses, limits and secrets of one run.

    Attributes:
        repo_endpoint: full base without a trailing slash, as are the other two.
        calls_per_minute: Synapse calls all processes of this machine may start within a minute, together.
        calls_in_flight: Synapse calls all processes of this machine may have open, together.
        s3_connections: connections to S3, which Synapse does not count.
        use_google_credentials: whether Google Cloud is reached with the user's own credentials.
        google_endpoint: an emulator that stands for Google Cloud; None: Google itself.
        read_seconds: how long one Synapse call may stay silent.
        s3_read_seconds: how long S3 may stay silent; copying a part of 5 GiB takes minutes.
        state_folder: machine-local folder through which the processes of one user share the limits.
        sftp_logins: the environment's first.
        known_hosts: files that say which SFTP server shows which key; those that are missing say nothing.
    """

    token: Secret
    repo_endpoint: str = REPO_ENDPOINT
    file_endpoint: str = FILE_ENDPOINT
    auth_endpoint: str = AUTH_ENDPOINT
    profile: str | None = None
    calls_per_minute: int = 600
    calls_in_flight: int = 3
    s3_connections: int = 128
    use_boto_sts: bool = False
    use_google_credentials: bool = False
    google_endpoint: str | None = None
    connect_seconds: float = 10.0
    read_seconds: float = 180.0
    s3_read_seconds: float = 1200.0
    state_folder: Path
    patience: Patience = field(default_factory=Patience)
    sftp_logins: tuple[SftpLogin, ...] = ()
    known_hosts: tuple[Path, ...] = ()
    object_store_profiles: tuple[ObjectStoreProfile, ...] = ()
    prices: Prices = DEFAULT_PRICES


_NO_FLAGS = Flags()


def load_config(
    environ: Mapping[str, str] | None = None, flags: Flags = _NO_FLAGS, config_path: Path | None = None
) -> Config:
    """Read flags, environment and configuration file.

    Raises:
        AccessError: no token, or one that no header can carry.
        UsageError: a value makes no sense, or the file cannot be read; it names the place it came from.
    """
    said = _Sources(os.environ if environ is None else environ, config_path)  # noqa: TID251 - the one reader
    patience_seconds = flags.patience_seconds
    if patience_seconds is None:
        patience_seconds = said.number("SYNAPSE_PATIENCE_SECONDS", lowest=0, highest=864_000)
    return Config(
        token=_token(flags, said),
        repo_endpoint=_endpoint(flags.repo_endpoint, said, ("SYNAPSE_REPO_ENDPOINT", "repoEndpoint"), REPO_ENDPOINT),
        file_endpoint=_endpoint(
            flags.file_endpoint, said, ("SYNAPSE_FILE_ENDPOINT", "fileHandleEndpoint"), FILE_ENDPOINT
        ),
        auth_endpoint=_endpoint(flags.auth_endpoint, said, ("SYNAPSE_AUTH_ENDPOINT", "authEndpoint"), AUTH_ENDPOINT),
        profile=flags.profile or said.variable("SYNAPSE_PROFILE"),
        calls_per_minute=_limit(
            flags.calls_per_minute, "--calls-per-minute", said, "SYNAPSE_CALLS_PER_MINUTE", (600, MOST_CALLS_PER_MINUTE)
        ),
        calls_in_flight=_limit(
            flags.calls_in_flight, "--calls-in-flight", said, "SYNAPSE_CALLS_IN_FLIGHT", (3, MOST_CALLS_IN_FLIGHT)
        ),
        s3_connections=_limit(
            flags.s3_connections,
            "--s3-connections",
            said,
            "SYNAPSE_S3_CONNECTIONS",
            (said.max_threads(), MOST_S3_CONNECTIONS),
        ),
        use_boto_sts=said.truth("transfer", "use_boto_sts"),
        use_google_credentials=said.truth("transfer", "use_google_credentials"),
        google_endpoint=_google_endpoint(said.variable("STORAGE_EMULATOR_HOST")),
        state_folder=Path(said.variable("SYNAPSE_STATE_FOLDER") or _machine_folder()),
        patience=Patience() if patience_seconds is None else Patience(busy_seconds=patience_seconds),
        sftp_logins=said.sftp_logins(),
        known_hosts=said.known_hosts(),
        object_store_profiles=said.object_store_profiles(),
        prices=prices_from(
            partial(said.option, PRICES), partial(said.place, PRICES), is_there=said.has_section(PRICES)
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsKeys:
    """Keys for S3, as Amazon's library finds them in the environment; empty texts for what is not there."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    region: str


def aws_keys(environ: Mapping[str, str] | None = None) -> AwsKeys | None:
    """The keys in the environment; None when there are none."""
    said = os.environ if environ is None else environ  # noqa: TID251 - the one reader
    if not said.get("AWS_ACCESS_KEY_ID") or not said.get("AWS_SECRET_ACCESS_KEY"):
        return None
    return AwsKeys(
        access_key_id=said["AWS_ACCESS_KEY_ID"],
        secret_access_key=Secret(said["AWS_SECRET_ACCESS_KEY"]),
        session_token=Secret(said.get("AWS_SESSION_TOKEN", "")),
        region=said.get("AWS_DEFAULT_REGION", ""),
    )


def use_aws_keys(keys: AwsKeys) -> None:
    """Let Amazon's library find these keys, in this process alone and from now on."""
    os.environ["AWS_ACCESS_KEY_ID"] = keys.access_key_id  # noqa: TID251 - where that library looks
    os.environ["AWS_SECRET_ACCESS_KEY"] = keys.secret_access_key.reveal()  # noqa: TID251
    for name, value in (("AWS_SESSION_TOKEN", keys.session_token.reveal()), ("AWS_DEFAULT_REGION", keys.region)):
        if value:
            os.environ[name] = value  # noqa: TID251


_PLACES_OF_POWERSHELL = 3


def this_shell(environ: Mapping[str, str] | None = None, *, platform: str = sys.platform) -> TokenFormat:
    """The shell that reads what we print: bash, but on Windows PowerShell or cmd unless bash was started there."""
    said = os.environ if environ is None else environ  # noqa: TID251 - the one reader
    if platform != "win32" or "bash" in said.get("SHELL", ""):
        return TokenFormat.BASH
    # PowerShell adds places of its own to what every Windows process has
    places = [place for place in said.get("PSModulePath", "").split(";") if place]
    return TokenFormat.POWERSHELL if len(places) >= _PLACES_OF_POWERSHELL else TokenFormat.CMD


class _Sources:
    """The environment and the parsed file, each value with the name of the place it came from."""

    def __init__(self, environ: Mapping[str, str], config_path: Path | None) -> None:
        self._environ = environ
        named = config_path or (Path(text) if (text := self.variable("SYNAPSE_CONFIG_FILE")) else None)
        self.path = (named or Path("~/.synapseConfig")).expanduser()
        self._file = _parse(self.path, must_exist=named is not None)

    def variable(self, name: str) -> str | None:
        """Give an environment variable; empty counts as absent."""
        return self._environ.get(name, "").strip() or None

    def option(self, section: str, name: str) -> str | None:
        """Give an option of the file; empty counts as absent."""
        return self._file.get(section, name, fallback="").strip() or None

    def place(self, section: str, name: str) -> str:
        """Name an option for a message."""
        return f"{name} under [{section}] in {self.path}"

    def has_section(self, section: str) -> bool:
        """Tell whether the file has *section*."""
        return self._file.has_section(section)

    def profiles(self) -> list[str]:
        """Name the profiles of the file."""
        return [name.removeprefix("profile ").strip() for name in self._file.sections() if name.startswith("profile ")]

    def number(self, name: str, *, lowest: int, highest: int) -> int | None:
        """Give a whole number from the environment."""
        text = self.variable(name)
        return None if text is None else _whole(text, name, lowest=lowest, highest=highest)

    def max_threads(self) -> int:
        """Give ``max_threads`` under ``[transfer]``, held between 1 and 128, else 128."""
        text = self.option("transfer", "max_threads")
        if text is None:
            return 128
        return min(_whole(text, self.place("transfer", "max_threads"), lowest=1, highest=10**6), 128)

    def truth(self, section: str, name: str) -> bool:
        """Give a switch of the file; absent means false."""
        text = (self.option(section, name) or "false").lower()
        if text not in {"true", "false"}:
            raise UsageError(
                f"{self.place(section, name)} is {text!r}.", fix="Write true or false there, or remove it."
            )
        return text == "true"

    def sftp_logins(self) -> tuple[SftpLogin, ...]:
        """Collect what SYNAPSE_SFTP_URL and its companions say, and the sections ``[sftp://host]``."""
        url = self.variable("SYNAPSE_SFTP_URL")
        sections = [section for section in self._file.sections() if section.startswith("sftp://")]
        logins = [_sftp_login(section, partial(self.option, section)) for section in sections]
        if url is not None:
            logins.insert(0, _sftp_login(url, lambda name: self.variable(f"SYNAPSE_SFTP_{name.upper()}")))
        return tuple(logins)

    def known_hosts(self) -> tuple[Path, ...]:
        """Name the file of SYNAPSE_SFTP_KNOWN_HOSTS, else those that OpenSSH reads."""
        named = self.variable("SYNAPSE_SFTP_KNOWN_HOSTS")
        paths = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts") if named is None else (named,)
        return tuple(Path(path).expanduser() for path in paths)

    def object_store_profiles(self) -> tuple[ObjectStoreProfile, ...]:
        """Collect the sections ``[https://endpoint/bucket]`` that name a profile."""
        return tuple(
            ObjectStoreProfile(url=section, profile_name=name)
            for section in self._file.sections()
            if section.startswith(("https://", "http://")) and (name := self.option(section, "profile_name"))
        )


def _google_endpoint(emulator: str | None) -> str | None:
    # Google's own variable for a storage that asks for no credentials; a bare host is meant to be spoken to plainly
    return emulator if emulator is None or "://" in emulator else f"http://{emulator}"


def _sftp_login(url: str, said: Callable[[str], str | None]) -> SftpLogin:
    passphrase = said("passphrase")
    return SftpLogin(
        url=url,
        username=said("username") or "",
        password=Secret(said("password") or ""),
        private_key=said("private_key"),
        passphrase=Secret(passphrase) if passphrase else None,
        host_key=said("host_key"),
    )


def _parse(path: Path, *, must_exist: bool) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(default_section="\0none")
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"), source=str(path))
    except FileNotFoundError:
        if must_exist:
            raise UsageError(f"There is no configuration file {path}.", fix="Correct the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The configuration file {path} cannot be read: {error}.", fix="Correct the file.") from error
    except configparser.Error as error:
        # `from None`: the parser's own message quotes the line, and that line may hold a token
        raise UsageError(
            f"The configuration file {path} is malformed in line {_line_of(error)}.",
            fix="Every line is a [section], `name = value`, or a comment that begins with #.",
        ) from None
    return parser


def _line_of(error: configparser.Error) -> int | str:
    # a parsing error lists the lines it met, every other kind carries one
    found: list[tuple[int, str]] = getattr(error, "errors", [])
    return found[0][0] if found else getattr(error, "lineno", "?")


def _token(flags: Flags, said: _Sources) -> Secret:
    if flags.token is not None:
        return _checked_token(flags.token.reveal(), "--auth-token")
    if flags.profile is None and (text := said.variable("SYNAPSE_AUTH_TOKEN")):
        return _checked_token(text, "SYNAPSE_AUTH_TOKEN")
    profile = flags.profile or said.variable("SYNAPSE_PROFILE")
    if profile is not None and profile != "default":
        return _profile_token(profile, said)
    for section in ("default", "authentication"):
        if text := said.option(section, "authtoken"):
            return _checked_token(text, said.place(section, "authtoken"))
    raise AccessError("There is no Synapse access token.", fix=_GET_A_TOKEN)


def _profile_token(profile: str, said: _Sources) -> Secret:
    section = f"profile {profile}"
    if not said.has_section(section):
        known = ", ".join(said.profiles()) or "none"
        raise UsageError(
            f"{said.path} has no section [{section}].", fix=f"Use one of its profiles ({known}), or add that one."
        )
    text = said.option(section, "authtoken")
    if text is None:
        raise AccessError(f"Profile {profile!r} in {said.path} has no authtoken.", fix=_GET_A_TOKEN)
    return _checked_token(text, said.place(section, "authtoken"))


def _checked_token(text: str, place: str) -> Secret:
    stripped = text.strip()
    if _TOKEN.fullmatch(stripped) is None or stripped[0] in "\"'":
        # the text itself is never shown
        raise AccessError(
            f"The access token of {place} holds blanks, quotes or characters no token has.",
            fix="Copy the token once more, without quotes, on one line.",
        )
    return Secret(stripped)


def _endpoint(flag: str | None, said: _Sources, names: tuple[str, str], default: str) -> str:
    variable, option = names
    candidates = (
        (flag, f"--{variable.removeprefix('SYNAPSE_').lower().replace('_', '-')}"),
        (said.variable(variable), variable),
        (said.option("endpoints", option), said.place("endpoints", option)),
    )
    for text, place in candidates:
        if text:
            return _checked_endpoint(text, place)
    return default


def _checked_endpoint(text: str, place: str) -> str:
    base = text.strip().rstrip("/")
    try:
        parts = urlsplit(base)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    plain = re.fullmatch(r"[\x21-\x7e]+", base) and "@" not in parts.netloc and not parts.query and not parts.fragment
    if parts.scheme not in {"http", "https"} or not host or not plain:
        raise UsageError(
            f"{place} is no address of a Synapse endpoint.",
            fix=f"Give a full base such as {REPO_ENDPOINT}.",
        )
    return base


def _limit(flag: int | None, flag_name: str, said: _Sources, variable: str, default_and_most: tuple[int, int]) -> int:
    default, most = default_and_most
    if flag is not None:
        return _whole(str(flag), flag_name, lowest=1, highest=most)
    value = said.number(variable, lowest=1, highest=most)
    return default if value is None else value


def _whole(text: str, place: str, *, lowest: int, highest: int) -> int:
    if re.fullmatch(r"\d{1,12}", text, re.ASCII) and lowest <= int(text) <= highest:
        return int(text)
    raise UsageError(f"{place} is {text!r}.", fix=f"Give a whole number from {lowest} to {highest}.")


def _machine_folder() -> str:
    # Not the home folder: that may be shared between machines, whose budgets and clocks are their own. Not
    # TMPDIR or XDG_RUNTIME_DIR: two shells of one user may disagree about them.
    if sys.platform == "win32":
        return str(Path(tempfile.gettempdir()) / "synapse-storage")
    return f"/tmp/synapse-storage-{os.getuid()}"  # noqa: S108 - the limiter checks owner and mode before using it
