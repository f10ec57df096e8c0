"""Manifests as text: both formats of the existing client, and every line that cannot be done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.errors import UsageError
from storage_core.model.ids import EntityId
from storage_core.model.manifests import ManifestEntry
from storage_core.model.transfers import Content
from storage_core.model.trees import AnnotationText, UsedEntity, UsedFile, WantedMetadata, WantedProvenance
from storage_core.plan.manifest_order import ordered
from storage_core.plan.manifest_reading import read_manifest


def tsv(*rows: str) -> str:
    return "".join("\t".join(row.split("|")) + "\n" for row in rows)


def problems(text: str) -> list[tuple[int, str]]:
    return [(one.line, one.what) for one in read_manifest(text, parent_id=None).problems]


def test_the_older_format_is_read_whole() -> None:
    text = tsv(
        "path|parent|name|id|synapseStore|contentType|used|executed|activityName|activityDescription|forceVersion|age",
        '/a b.csv|syn1||||text/x|syn2.3;/c.csv|||what "it" does|true|7',
    )

    (entry,) = read_manifest(text, parent_id=None).entries

    assert ("/a b.csv", "syn1", "a b.csv", "text/x") == (entry.path, entry.parent_id, entry.name, entry.content_type)
    assert entry.is_metadata_versioned
    assert (
        WantedProvenance(
            description='what "it" does',
            used=(UsedEntity(entity_id=EntityId("syn2"), version=3), UsedFile(path="/c.csv")),
        )
        == entry.metadata.provenance
    )
    assert (AnnotationText(name="age", text="7"),) == entry.metadata.annotations


def test_the_newer_format_is_read_with_its_quotes() -> None:
    """Columns that download lists add count for nothing; lines with an error are left out."""
    text = (
        "path,parentId,name,ID,error,createdBy,tissue\n"
        '/a.csv,syn1,a.csv,syn5,,me,"[liver,""left, lower""]"\n'
        '"/b\n.csv",syn1,,,,,\n'
        "/c.csv,syn1,,,no download,,\n"
        "/d.csv,nonsense,,,,,\n"
    )

    read = read_manifest(text, parent_id=None)

    (entry,) = read.entries
    assert ("syn5", "syn1", Content.BYTES) == (entry.entity_id, entry.parent_id, entry.content)
    assert (AnnotationText(name="tissue", text='[liver,"left, lower"]'),) == entry.metadata.annotations
    assert 1 == read.left_out
    assert [3, 6] == [one.line for one in read.problems]


def test_what_a_spreadsheet_program_put_into_quotes_is_taken_out() -> None:
    text = tsv("path|parent|a|b", '"/x.csv"|syn1|"[a,""b, c""]"|say "x"')

    (entry,) = read_manifest(text, parent_id=None).entries

    assert "/x.csv" == entry.path
    assert ['[a,"b, c"]', 'say "x"'] == [one.text for one in entry.metadata.annotations]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("|syn1", "no path"),
        ("/a.csv", "neither a parent nor an id"),
        ("/a.csv|xyz", "'xyz' is not a Synapse id"),
        ("/a.csv|syn1||x7y", "'x7y' is not a Synapse id"),
        ("/a.csv|syn1|semi;colon", "no name for a file"),
        ("/semi;colon|syn1", "no name for a file"),
        ("/a.csv|syn1|||maybe", "synapseStore is True or False, not 'maybe'"),
        ("/a.csv|syn1|||False", "needs an address"),
        ("/a.csv|syn1||||perhaps", "forceVersion is True or False"),
        ("/a.csv|syn1|||||[true,7]", "do not go together"),
        ("/a.csv|syn1|||||1|x", "no name for an annotation"),
        ("/a.csv|syn1|||||1||x|y", "2 more cells"),
    ],
)
def test_a_line_that_cannot_be_done_is_named_with_its_number(row: str, said: str) -> None:
    text = tsv("path|parent|name|id|synapseStore|forceVersion|age|bad name", "/good|syn1", "", row)

    ((line, what),) = problems(text)

    assert 4 == line
    assert said in what


def test_two_lines_for_one_place_are_named() -> None:
    text = tsv("path|parent|name|id", "/a.csv|syn1", "/x/a.csv|syn1", "/b|syn1||syn5", "/c|syn2||syn5", "/d|syn2|a.csv")

    assert [(3, "Line 2 is for 'a.csv' in syn1, too."), (5, "Line 4 is for syn5, too.")] == problems(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("name\tparent\n", "no column 'path'"),
        ("path,parentId,path\n", "column path twice"),
        ("path\tparent\tparentId\n", "column parent twice"),
        ('path,parentId\n"half,syn1\n', "cannot be read"),
    ],
)
def test_what_is_no_manifest_is_said_so(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_manifest(text, parent_id=None)


def test_lines_without_a_parent_go_where_the_caller_says() -> None:
    (entry,) = read_manifest("path\n/a.csv\n", parent_id=EntityId("syn9")).entries

    assert "syn9" == entry.parent_id


def test_an_address_is_never_stored() -> None:
    text = tsv("path|parent|synapseStore", "https://example.org/a.csv?x=1|syn1|True")

    (entry,) = read_manifest(text, parent_id=None).entries

    assert (Content.ADDRESS, "a.csv") == (entry.content, entry.name)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_no_text_makes_it_stumble(text: str) -> None:
    """It is read, or refused in a sentence."""
    try:
        read_manifest(f"path\tparent\ta\n{text}", parent_id=EntityId("syn1"))
        read_manifest(f"path,parentId,a\n{text}", parent_id=EntityId("syn1"))
    except UsageError:
        pass


def entry(line: int, path: str, *used: str) -> ManifestEntry:
    provenance = WantedProvenance(used=tuple(UsedFile(path=one) for one in used))
    return ManifestEntry(
        line=line,
        path=path,
        parent_id=EntityId("syn1"),
        entity_id=None,
        name=path,
        metadata=WantedMetadata(provenance=provenance if used else None),
    )


def test_what_a_file_was_made_from_goes_up_before_it() -> None:
    entries = [entry(2, "c", "a", "b"), entry(3, "b", "a"), entry(4, "a"), entry(5, "d")]

    in_order, circles = ordered(entries)

    assert not circles
    place = {one.path: number for number, one in enumerate(in_order)}
    assert place["a"] < place["b"] < place["c"]
    assert 4 == len(in_order)


def test_files_made_from_each_other_are_named() -> None:
    _, ((circle),) = ordered([entry(2, "a", "c"), entry(3, "b", "a"), entry(4, "c", "b"), entry(5, "d")])

    assert 2 == circle.line
    assert all(f"line {line}" in circle.what for line in (2, 3, 4))


def test_a_file_that_is_used_and_stands_twice_is_named() -> None:
    _, ((twice),) = ordered([entry(2, "a"), entry(3, "a"), entry(4, "b", "a")])

    assert (3, True) == (twice.line, "line 2 has it, too" in twice.what)
