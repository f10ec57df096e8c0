"""What a message says, and to whom it goes."""

from storage_core.errors import ExitCode, UsageError
from storage_core.model.ids import EntityId, PrincipalId, StorageLocationId
from storage_core.model.items import ItemStatus, ReasonCode
from storage_core.model.messages import Principal
from storage_core.model.plans import StatusCount
from storage_core.model.settings import MigrationSettings
from storage_core.plan.noticing import notice_of_end, notice_of_failure, recipients_of, users_from

SETTINGS = MigrationSettings(roots=(EntityId("syn1"),), destination=StorageLocationId(99))
ANNA = Principal(id=PrincipalId("7"), name="Anna")


def test_users_are_words_or_lists_each_once():
    assert ("anna", "3412", "ben") == users_from(["anna,3412", "@ben", " anna ", ",", ""])


def test_names_are_found_whatever_their_case_and_unknown_ones_are_named():
    assert ((PrincipalId("7"), PrincipalId("3412")), ("ben",)) == recipients_of(["ANNA", "3412", "ben", "7"], [ANNA])


def test_the_message_says_how_it_ended_in_numbers():
    counts = [
        StatusCount(status=ItemStatus.MIGRATED, reason=None, items=1200, size_bytes=1),
        StatusCount(status=ItemStatus.SKIPPED, reason=ReasonCode.NO_MD5, items=1, size_bytes=1),
        StatusCount(status=ItemStatus.SKIPPED, reason=ReasonCode.EMPTY_FILE, items=2, size_bytes=0),
    ]

    notice = notice_of_end(SETTINGS, ExitCode.DONE, counts, index_name="m.duckdb")

    assert "Storage migration of syn1 to storage location 99: done and verified" == notice.subject
    assert "  MIGRATED: 1,200\n  SKIPPED: 3\n" in notice.text
    assert "m.duckdb" in notice.text


def test_the_message_of_a_failure_says_why_and_what_to_do():
    notice = notice_of_failure(SETTINGS, UsageError("It broke.", fix="Mend it."), index_name="m.duckdb")

    assert notice.subject.endswith("stopped")
    assert "It broke.\nMend it.\n" in notice.text
