"""Names that files get on this machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.errors import UsageError
from storage_core.plan.local_names import LocalNames, check_name, local_name, other_names


@pytest.mark.parametrize("name", ["a.txt", "with blank", "äöü ✓.csv", ".hidden", "CON.txt", "a:b", "x" * 255])
def test_ordinary_names_are_kept(name: str) -> None:
    assert name == check_name(name, on_windows=False)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../a", "/a", "a/b", "..\\a", "C:\\a", "a\x00b", "a\nb", "\x1b[2J", "x" * 256, "ü" * 128]
)
def test_names_that_are_no_single_entry_are_refused_everywhere(name: str) -> None:
    for on_windows in (True, False):
        with pytest.raises(UsageError, match="cannot be called"):
            check_name(name, on_windows=on_windows)


@pytest.mark.parametrize(
    "name", ["CON", "con.txt", "NUL .tar.gz", "com1", "LPT9.log", "a:b", "what?", "dot.", "blank "]
)
def test_what_windows_reserves_is_refused_there(name: str) -> None:
    with pytest.raises(UsageError, match="Windows"):
        check_name(name, on_windows=True)


def test_the_message_shows_no_raw_control_characters() -> None:
    with pytest.raises(UsageError) as caught:
        check_name("\x1b]0;owned\x07", on_windows=False)

    assert str(caught.value).isprintable()


def test_a_handle_without_a_name_takes_the_entitys() -> None:
    assert ["of the entity", "of the entity", "own.txt"] == [
        local_name(None, "of the entity"),
        local_name("NOT_SET", "of the entity"),
        local_name("own.txt", "of the entity"),
    ]


def test_other_names_keep_the_suffix() -> None:
    assert ["a.tar(1).gz", "a.tar(2).gz"] == [name for name, _ in zip(other_names("a.tar.gz"), range(2), strict=False)]
    assert ".bashrc(1)" == next(iter(other_names(".bashrc")))


def distinct_names(names: list[str]) -> tuple[str, ...]:
    folder = LocalNames()
    return tuple(folder.give(name) for name in names)


def test_equal_names_are_told_apart_in_order() -> None:
    assert ("a.txt", "A(1).TXT", "a(2).txt", "b") == distinct_names(["a.txt", "A.TXT", "a.txt", "b"])


@given(st.lists(st.sampled_from(["a", "A", "a(1)", "a(1).t", "a.t", "b"]), max_size=12))
def test_distinct_names_are_distinct_and_stable(names: list[str]) -> None:
    given_names = distinct_names(names)

    assert len({name.casefold() for name in given_names}) == len(names)
    assert given_names[: len(names) // 2] == distinct_names(names[: len(names) // 2])
