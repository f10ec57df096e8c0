"""Names Synapse accepts for a file (contract 6.7), and what to make of an old name that it would refuse today."""

import re

LONGEST_NAME = 256
_LONGEST_SUFFIX = 16
ALLOWED_MARKS = frozenset(" ,_.-+'()")
_ALLOWED = r"A-Za-z0-9 ,_.\-+'()"
_VALID = re.compile(rf"[{_ALLOWED}]{{1,{LONGEST_NAME}}}")
_REFUSED = re.compile(rf"[^{_ALLOWED}]")


def is_valid_file_name(name: str) -> bool:
    """Whether Synapse takes *name* as it is."""
    return _VALID.fullmatch(name) is not None and name.strip() != ""


def may_be_valid_file_name(name: str) -> bool:
    """Whether some reading of the rule allows *name*: letters and digits of any script instead of ASCII ones."""
    return 0 < len(name) <= LONGEST_NAME and all(one.isalnum() or one in ALLOWED_MARKS for one in name)


def clean_file_name(name: str) -> str:
    """Give *name* with refused characters as underscores, shortened before its suffix; the same for the same name."""
    cleaned = _REFUSED.sub("_", name).strip() or "unnamed"
    if len(cleaned) <= LONGEST_NAME:
        return cleaned
    stem, dot, suffix = cleaned.rpartition(".")
    if not stem or len(suffix) > _LONGEST_SUFFIX:
        return cleaned[:LONGEST_NAME]
    return stem[: LONGEST_NAME - len(suffix) - 1] + dot + suffix
