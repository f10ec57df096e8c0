"""What people type, brought to one spelling before it is parsed.

The existing client's spellings keep working without being listed in the help twice: underscores for dashes,
`--dryRun`, several values after one option. Global options may stand before or after the command.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence

OLD_NAMES = {"--dryRun": "--dry-run", "--configPath": "--config", "--silent": "--quiet"}
TAKES_SEVERAL = frozenset({"--source-storage-location-ids"})
VALUE_IS_OPTIONAL = {"--retry-errors": "retryable"}
GLOBAL_FLAGS = frozenset({"--json", "--quiet", "--debug", "--verbose"})
GLOBAL_VALUES = frozenset({"--profile", "--config"})

_IDS = re.compile(r"[0-9,]+")
_LIKE_A_CLASS = re.compile(r"(?!syn[0-9])[a-z][a-z _-]*", re.IGNORECASE | re.ASCII)


def spelled(arguments: Sequence[str]) -> list[str]:
    """The same request with dashed names, one value per option, and global options in front.

    What follows a lone ``--`` is left alone.
    """
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    named = [_dashed(word) for word in words[:end]]
    in_front, behind = _hoisted(list(_completed(_one_value_each(named))))
    return [*in_front, *behind, *words[end:]]


def _dashed(word: str) -> str:
    """``--file_version_strategy=all`` with dashes in its name; anything but a long option stays as it is."""
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return OLD_NAMES.get(name, name.replace("_", "-")) + equals + value


def _one_value_each(words: Sequence[str]) -> Iterator[str]:
    """``--ids 1 2,3`` becomes ``--ids 1 --ids 2 --ids 3``; ids are digits, so the next word ends the list.

    The first word after the option is taken whatever it is, so that a wrong id is called one. Without any the option
    gets an empty value, which is refused: whoever names no source by mistake must not move everything.
    """
    remaining = deque(words)
    while remaining:
        word = remaining.popleft()
        name, equals, value = word.partition("=")
        if name not in TAKES_SEVERAL:
            yield word
            continue
        values = [value] if equals else []
        while remaining and _is_value(remaining[0], is_first=not values):
            values.append(remaining.popleft())
        ids = [one for text in values for one in text.split(",") if one]
        for one in ids:
            yield from (name, one)
        if not ids:
            yield f"{name}="


def _is_value(word: str, *, is_first: bool) -> bool:
    return bool(_IDS.fullmatch(word)) or (is_first and not word.startswith("-"))


def _completed(words: Iterator[str]) -> Iterator[str]:
    """Give options whose value may be left out their default."""
    waiting = None
    for word in words:
        # a word like a class is one, known or not: a wrong one is told as such, not as an argument too many
        if waiting is not None and not _LIKE_A_CLASS.fullmatch(word):
            yield VALUE_IS_OPTIONAL[waiting]
        waiting = word if word in VALUE_IS_OPTIONAL else None
        yield word
    if waiting is not None:
        yield VALUE_IS_OPTIONAL[waiting]


def _hoisted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    in_front: list[str] = []
    behind: list[str] = []
    remaining = iter(words)
    for word in remaining:
        if word in GLOBAL_FLAGS or (word.partition("=")[0] in GLOBAL_VALUES and "=" in word):
            in_front.append(word)
        elif word in GLOBAL_VALUES:
            in_front += [word, *_next(remaining)]
        else:
            behind.append(word)
    return in_front, behind


def _next(words: Iterator[str]) -> list[str]:
    following = next(words, None)
    return [] if following is None else [following]
