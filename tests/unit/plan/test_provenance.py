"""References as people write them, and whether Synapse says so already."""

import pytest

from storage_core.errors import UsageError
from storage_core.model.ids import EntityId
from storage_core.model.trees import Provenance, UsedAddress, UsedEntity, UsedFile, UsedName, WantedProvenance
from storage_core.plan.provenance import is_said, parse_references, references_text, resolved, with_uploaded

ONE, ONE_3 = UsedEntity(entity_id=EntityId("syn1")), UsedEntity(entity_id=EntityId("syn1"), version=3)
TOOL = UsedAddress(url="https://example.org/tool?a=1;b=2", name="the tool")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("syn1; SYN1.3 ;", (ONE, ONE_3)),
        ("https://example.org/x", (UsedAddress(url="https://example.org/x"),)),
        ("data/a.csv;C:\\a.csv", (UsedFile(path="data/a.csv"), UsedFile(path="C:\\a.csv"))),
        ("https://[half", (UsedFile(path="https://[half"),)),
        ("", ()),
    ],
)
def test_references_are_ids_addresses_or_files(cell: str, expected: tuple[object, ...]) -> None:
    assert expected == parse_references(cell)


def test_what_a_manifest_shows_is_the_same_when_it_is_given_back() -> None:
    """Semicolons in addresses included."""
    present = Provenance(name="n", description="two\nlines", used=(ONE_3, TOOL), executed=(TOOL,))
    wanted = WantedProvenance(
        name="n",
        description="two lines",
        used=parse_references(references_text(present.used)),
        executed=parse_references(references_text(present.executed)),
    )

    assert is_said(resolved(wanted, present), present)


@pytest.mark.parametrize(
    "wanted",
    [
        Provenance(used=(ONE,)),
        Provenance(used=(ONE_3,), executed=(ONE,)),
        Provenance(),
        Provenance(used=(ONE_3,), name="other"),
        Provenance(used=(UsedEntity(entity_id=EntityId("syn1"), version=4),)),
        Provenance(used=(ONE_3, ONE_3)),
    ],
)
def test_only_what_is_said_whole_is_said(wanted: Provenance) -> None:
    """An id without a version is said by any version of it; the rest has to be exact."""
    assert (wanted == Provenance(used=(ONE,))) is is_said(wanted, Provenance(used=(ONE_3,)))


def test_a_name_stands_for_the_address_that_has_it() -> None:
    """The existing client's manifests show names of addresses."""
    wanted = WantedProvenance(used=(UsedName(name="the tool"),))

    assert (TOOL,) == resolved(wanted, Provenance(executed=(TOOL,))).used
    with pytest.raises(UsageError, match="'the tool' is no Synapse id"):
        resolved(wanted, Provenance())


def test_a_file_that_has_gone_up_is_its_entity() -> None:
    wanted = WantedProvenance(used=(UsedFile(path="/a"), UsedFile(path="/b")))

    known = with_uploaded(wanted, {"/a": ONE_3})

    assert (ONE_3, UsedFile(path="/b")) == known.used
    with pytest.raises(UsageError, match="'/b'"):
        resolved(known, Provenance())
