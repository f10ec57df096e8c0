"""Where settings come from, which one wins, and what is said when one is wrong."""

import os
import pickle
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from storage_core.config import (
    FILE_ENDPOINT,
    REPO_ENDPOINT,
    Flags,
    ObjectStoreProfile,
    Secret,
    SftpLogin,
    load_config,
)
from storage_core.errors import AccessError, ExitCode, UsageError
from storage_core.model.prices import DEFAULT_PRICES

ENDPOINTS = """
[endpoints]
repoEndpoint = http://file:1/repo/v1/
fileHandleEndpoint = http://file:1/file/v1
authEndpoint = http://file:1/auth/v1
"""


@pytest.fixture
def write(tmp_path):
    def write_config(text):
        path = tmp_path / "synapse.config"
        path.write_text(text, encoding="utf-8")
        return path

    return write_config


def load(environ=None, *, path=None, **flags):
    return load_config(environ or {}, Flags(**flags), path)


def test_defaults_are_production_and_the_services_own_limits():
    config = load({"SYNAPSE_AUTH_TOKEN": "t0ken"})

    assert (REPO_ENDPOINT, FILE_ENDPOINT) == (config.repo_endpoint, config.file_endpoint)
    assert (600, 3) == (config.calls_per_minute, config.calls_in_flight)


def test_the_file_is_read_in_its_known_spellings(write):
    path = write(
        "[default]\nusername = me\nauthtoken = from-file\n"
        + ENDPOINTS
        + "[transfer]\nmax_threads = 500\nuse_boto_sts = True\n"
        + "[sftp://lab.example.org]\nusername = anna\npassword = pässword%1\n"
        + "[https://store.example.org/bucket]\nprofile_name = lab\n"
        + "[cache]\nlocation = ~/.cache\n[debug]\n"
    )

    config = load(path=path)

    assert "from-file" == config.token.reveal()
    assert "http://file:1/repo/v1" == config.repo_endpoint
    assert "http://file:1/file/v1" == config.file_endpoint
    assert "http://file:1/auth/v1" == config.auth_endpoint
    assert 128 == config.s3_connections
    assert config.use_boto_sts
    assert (
        SftpLogin(url="sftp://lab.example.org", username="anna", password=Secret("pässword%1")),
    ) == config.sftp_logins
    assert (
        ObjectStoreProfile(url="https://store.example.org/bucket", profile_name="lab"),
    ) == config.object_store_profiles


def test_the_environment_wins_over_the_file_and_flags_win_over_both(write):
    path = write("[authentication]\nauthtoken = from-file\n" + ENDPOINTS)
    environ = {
        "SYNAPSE_AUTH_TOKEN": "from-environment",
        "SYNAPSE_REPO_ENDPOINT": "http://environment:2/repo/v1",
        "SYNAPSE_FILE_ENDPOINT": "http://environment:2/file/v1",
        "SYNAPSE_CALLS_PER_MINUTE": "60",
        "SYNAPSE_CALLS_IN_FLIGHT": "2",
        "SYNAPSE_CONFIG_FILE": str(path),
    }

    config = load(environ, token=Secret("from-flag"), repo_endpoint="http://flag:3/repo/v1", calls_in_flight=1)

    assert "from-flag" == config.token.reveal()
    assert "http://flag:3/repo/v1" == config.repo_endpoint
    assert "http://environment:2/file/v1" == config.file_endpoint
    assert "http://file:1/auth/v1" == config.auth_endpoint
    assert (60, 1) == (config.calls_per_minute, config.calls_in_flight)
    assert "from-environment" == load(environ).token.reveal()


PROFILES = "[default]\nauthtoken = d\n[profile work]\nauthtoken = w\n[profile home]\nauthtoken = h\n"


@pytest.mark.parametrize(
    ("environ", "flag", "expected"),
    [
        ({}, None, "d"),
        ({}, "work", "w"),
        ({}, "default", "d"),
        ({"SYNAPSE_PROFILE": "home"}, None, "h"),
        ({"SYNAPSE_PROFILE": "home"}, "work", "w"),
        ({"SYNAPSE_PROFILE": "home", "SYNAPSE_AUTH_TOKEN": "e"}, None, "e"),
        ({"SYNAPSE_AUTH_TOKEN": "e"}, "work", "w"),
        ({"SYNAPSE_AUTH_TOKEN": "  "}, None, "d"),
    ],
)
def test_the_token_of_the_chosen_profile_is_used(write, environ, flag, expected):
    assert expected == load(environ, path=write(PROFILES), profile=flag).token.reveal()


def test_an_unknown_profile_is_refused_and_the_known_ones_named(write):
    with pytest.raises(UsageError, match="work, home"):
        load(path=write(PROFILES), profile="lab")


def test_a_profile_without_a_token_is_an_access_error(write):
    with pytest.raises(AccessError, match="'empty'"):
        load(path=write("[profile empty]\nusername = me\n"), profile="empty")


def test_no_token_at_all_is_an_access_error_that_says_where_to_get_one(write):
    with pytest.raises(AccessError) as caught:
        load(path=write("[endpoints]\n"))

    assert ExitCode.ACCESS == caught.value.exit_code
    assert "SYNAPSE_AUTH_TOKEN" in caught.value.fix


@pytest.mark.parametrize("token", ["two words", '"quoted"', "line\nbreak", "pässt", "tab\there"])
def test_a_token_no_header_can_carry_is_refused_without_being_shown(token):
    with pytest.raises(AccessError) as caught:
        load({"SYNAPSE_AUTH_TOKEN": token})

    assert "SYNAPSE_AUTH_TOKEN" in str(caught.value)
    assert token not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "synapse.org/repo/v1",
        "ftp://host/repo/v1",
        "https://",
        "https://host:nonsense/repo",
        "https://me:pw@host/repo/v1",
        "https://host/repo/v1?x=1",
        "https://ho st/repo",
        "https://[::1/repo/v1",
    ],
)
def test_a_nonsensical_endpoint_names_where_it_came_from(text):
    with pytest.raises(UsageError, match="SYNAPSE_FILE_ENDPOINT"):
        load({"SYNAPSE_AUTH_TOKEN": "t", "SYNAPSE_FILE_ENDPOINT": text})


def test_a_nonsensical_endpoint_of_the_file_names_option_and_file(write):
    path = write("[default]\nauthtoken = t\n[endpoints]\nrepoEndpoint = nonsense\n")

    with pytest.raises(UsageError) as caught:
        load(path=path)

    assert f"repoEndpoint under [endpoints] in {path}" in str(caught.value)


@pytest.mark.parametrize("value", ["0", "-1", "many", "3.5", "100000", "٣"])
def test_a_nonsensical_limit_is_refused_with_its_name(value):
    with pytest.raises(UsageError, match="SYNAPSE_CALLS_PER_MINUTE"):
        load({"SYNAPSE_AUTH_TOKEN": "t", "SYNAPSE_CALLS_PER_MINUTE": value})


def test_a_nonsensical_boto_switch_is_refused(write):
    with pytest.raises(UsageError, match="use_boto_sts"):
        load({"SYNAPSE_AUTH_TOKEN": "t"}, path=write("[transfer]\nuse_boto_sts = perhaps\n"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("authtoken = planted-secret\n", 1),
        ("[default]\nauthtoken = x\nplanted-secret without a sign\n", 3),
        ("[default]\nauthtoken = planted-secret\n[default]\n", 3),
        ("[default]\nauthtoken = planted-secret\nauthtoken = planted-secret\n", 3),
    ],
)
def test_a_malformed_file_is_named_with_its_line_and_never_quoted(write, text, line):
    path = write(text)

    with pytest.raises(UsageError) as caught:
        load(path=path)

    assert f"{path} is malformed in line {line}." in str(caught.value)
    assert "planted-secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_was_asked_for_must_exist(tmp_path):
    for missing in ({"path": tmp_path / "none"}, {"environ": {"SYNAPSE_CONFIG_FILE": str(tmp_path / "none")}}):
        with pytest.raises(UsageError, match="no configuration file"):
            load(**missing)


def test_the_file_in_the_home_folder_is_used_when_there_is_one(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".synapseConfig").write_text("\ufeff[default]\nauthtoken = home\n", encoding="utf-8")

    assert "home" == load().token.reveal()


def test_a_binary_file_is_a_usage_error(tmp_path):
    path = tmp_path / "config"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(UsageError, match="cannot be read"):
        load(path=path)


def test_the_process_environment_is_the_default(monkeypatch):
    monkeypatch.setenv("SYNAPSE_AUTH_TOKEN", "from-process")

    assert "from-process" == load_config().token.reveal()


def test_patience_and_state_folder_can_be_set():
    config = load(
        {"SYNAPSE_AUTH_TOKEN": "t", "SYNAPSE_PATIENCE_SECONDS": "30", "SYNAPSE_STATE_FOLDER": "/somewhere/else"}
    )

    assert 30.0 == config.patience.busy_seconds
    assert Path("/somewhere/else") == config.state_folder
    assert 5.0 == load({"SYNAPSE_AUTH_TOKEN": "t"}, patience_seconds=5.0).patience.busy_seconds


def test_the_state_folder_is_this_machines_and_this_users():
    assert Path(f"/tmp/synapse-storage-{os.getuid()}") == load({"SYNAPSE_AUTH_TOKEN": "t"}).state_folder


def test_a_secret_shows_itself_nowhere():
    config = load({"SYNAPSE_AUTH_TOKEN": "planted-secret"})

    for text in (repr(config), str(config.token), f"{config.token}", f"{config.token!r}"):
        assert "planted-secret" not in text
    with pytest.raises(TypeError):
        pickle.dumps(config.token)


PRICES = "[default]\nauthtoken = t\n[prices]\n"


def test_without_a_word_the_built_in_prices_hold():
    assert DEFAULT_PRICES == load({"SYNAPSE_AUTH_TOKEN": "t0ken"}).prices


def test_own_prices_replace_all_built_in_ones(write):
    """What the section leaves out is unknown: prices of two days are never mixed."""
    prices = load(path=write(PRICES + "date = 2026-03-31\ncurrency = EUR\nstorage_per_gb_month = 0.0245\n")).prices

    assert (date(2026, 3, 31), "EUR", Decimal("0.0245")) == (prices.as_of, prices.currency, prices.storage_per_gb_month)
    assert (None, None) == (prices.writes_per_thousand, prices.between_regions_per_gb)
    assert "synapse.config" in prices.source


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("storage_per_gb_month = 0.02\n", "no date under [prices]"),
        ("date = 31.3.2026\n", "no day"),
        ("date = 2026-03-31\nreads_per_thousand = cheap\n", "no price"),
        ("date = 2026-03-31\nreads_per_thousand = -1\n", "no price"),
        ("date = 2026-03-31\nreads_per_thousand = Infinity\n", "no price"),
        ("date = 2026-03-31\ncurrency = $\n", "no currency"),
    ],
)
def test_a_price_that_makes_no_sense_is_refused(write, lines, says):
    with pytest.raises(UsageError, match=re.escape(says)):
        load(path=write(PRICES + lines))
