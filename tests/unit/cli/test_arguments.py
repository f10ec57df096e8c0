"""What the words on the command line stand for."""

import pytest

from storage_core.cli.arguments import parse_versioned_entity_id, settings_from
from storage_core.errors import UsageError
from storage_core.model.items import ReasonClass
from storage_core.model.settings import FileVersionStrategy
from storage_core.plan.failed_again import RetryClass, classes_of


def test_ids_may_be_written_in_every_known_way() -> None:
    settings = settings_from("123", "54321", ["1", "7", "1"], FileVersionStrategy.NEW, include_tables=False)
    assert (("syn123",), 54321, (1, 7)) == (settings.roots, settings.destination, settings.source_location_ids)
    assert settings_from("SYN5", "9", None, FileVersionStrategy.ALL, include_tables=True).roots == ("syn5",)


def test_several_entities_are_named_with_commas_between_them() -> None:
    settings = settings_from("syn5, 3,SYN5", "9", None, FileVersionStrategy.ALL, include_tables=False)
    assert ("syn5", "syn3") == settings.roots


def test_skipping_everything_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to migrate"):
        settings_from("syn1", "9", None, FileVersionStrategy.SKIP, include_tables=False)


def test_an_entity_may_carry_a_version() -> None:
    assert ("syn12", 3) == parse_versioned_entity_id("12.3")
    assert ("syn12", None) == parse_versioned_entity_id("syn12")


@pytest.mark.parametrize("text", ["syn12.", "syn12.x", "syn.3", "", "syn12.٣"])
def test_no_entity(text: str) -> None:
    with pytest.raises(UsageError):
        parse_versioned_entity_id(text)


def test_classes_to_try_again() -> None:
    assert classes_of(RetryClass.ALL) == frozenset(ReasonClass)
    assert classes_of(RetryClass.NEEDS_A_PERSON) == {ReasonClass.NEEDS_A_PERSON}
