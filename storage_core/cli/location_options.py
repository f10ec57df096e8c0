"""Options that the commands about storage locations share, each spelled once."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from storage_core.errors import UsageError
from storage_core.model.secret import Secret

BaseKeyOption = Annotated[
    str | None, typer.Option("--base-key", help="Folder in the bucket below which everything goes.", show_default=False)
]
StsOption = Annotated[bool, typer.Option("--sts-enabled", help="Give out temporary AWS credentials for it.")]
BannerOption = Annotated[str | None, typer.Option("--banner", help="Shown to people who upload.", show_default=False)]
DescriptionOption = Annotated[
    str | None, typer.Option("--description", help="Shown where a location is chosen.", show_default=False)
]
OwnerFileOption = Annotated[
    bool,
    typer.Option(
        "--write-owner-file",
        help="If Synapse finds no owner.txt that names you, write it to the bucket with your own AWS keys.",
    ),
]
AwsProfileOption = Annotated[
    str | None, typer.Option("--aws-profile", help="AWS profile whose keys are used for that.", show_default=False)
]


def read_secret(path: Path | None) -> Secret | None:
    """A secret from a file, or from standard input for ``-``, without the line break at its end.

    Never from the command line itself: there every user of the machine could read it.

    Raises:
        UsageError: the file cannot be read.
    """
    if path is None:
        return None
    if str(path) == "-":
        return Secret(sys.stdin.read().rstrip("\r\n"))
    try:
        return Secret(path.read_text(encoding="utf-8").rstrip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The secret in {path} cannot be read: {error}.", fix="Correct the path.") from error


def split_attributes(pairs: Sequence[str] | None) -> dict[str, object]:
    """``name=value`` taken apart; ``true`` and ``false`` are what they say.

    Raises:
        UsageError: one is not of that form.
    """
    found: dict[str, object] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {pair!r} is no NAME=VALUE.", fix="Write --set base_key=raw, for example.")
        found[name.replace("-", "_")] = {"true": True, "false": False}.get(value.lower(), value)
    return found
