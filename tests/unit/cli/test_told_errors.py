"""cli/group.py: what an error looks like on a terminal."""

from storage_core.cli.group import _shown
from storage_core.errors import ManifestUnusable, UsageError


def test_every_bad_line_of_a_manifest_has_a_line_of_its_own() -> None:
    error = ManifestUnusable("Nothing was uploaded:\n  line 2: a\tb\n  line 3: c\n", fix="Correct it.")

    assert ["Nothing was uploaded:", "  line 2: a\ufffdb", "  line 3: c", " Correct it."] == _shown(error).split("\n")


def test_names_of_strangers_make_no_lines() -> None:
    assert "a\ufffdb" == _shown(UsageError("a\nb", fix=""))
