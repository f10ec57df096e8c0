"""What is refused before anything is asked of a single file, and what is only said."""

import pytest

from storage_core.errors import AccessError, UsageError
from storage_core.model.destinations import LocationFacts, LocationKind, UploadType
from storage_core.model.entities import EntityHeader, EntityKind, Permissions, RootSnapshot, UserProfile
from storage_core.model.ids import EntityId, PrincipalId, StorageLocationId
from storage_core.model.settings import MigrationSettings
from storage_core.plan.preflight import (
    PreflightFacts,
    check_access,
    check_destination,
    check_scopes,
    check_settings,
    findings,
)

DESTINATION = StorageLocationId(77)
SETTINGS = MigrationSettings(roots=(EntityId("syn1"),), destination=DESTINATION)


def user(*scopes: str) -> UserProfile:
    return UserProfile(id=PrincipalId("1"), user_name="steward", scopes=frozenset(scopes) if scopes else None)


def location(kind: LocationKind, *, sts: bool = False) -> LocationFacts:
    return LocationFacts(id=DESTINATION, kind=kind, upload_type=UploadType.S3, sts_enabled=sts)


def facts(*, default: int = 77, **rights: bool) -> PreflightFacts:
    held = {"can_view": True, "can_download": True, "can_edit": True, "is_certified": True} | rights
    root = RootSnapshot(
        header=EntityHeader(id=EntityId("syn1"), name="Atlas", kind=EntityKind.PROJECT),
        parent_id=None,
        permissions=Permissions(**held),
    )
    return PreflightFacts(
        user=user(),
        destination=location(LocationKind.EXTERNAL_S3),
        roots=(root,),
        default_locations=((EntityId("syn1"), StorageLocationId(default)),),
    )


RECEIVING = {
    LocationKind.EXTERNAL_S3,
    LocationKind.SYNAPSE_S3,
    LocationKind.EXTERNAL_GOOGLE_CLOUD,
    LocationKind.EXTERNAL_OBJECT_STORE,
    LocationKind.EXTERNAL_SFTP,
}


@pytest.mark.parametrize("kind", sorted(RECEIVING))
def test_locations_that_take_uploads_can_receive(kind):
    check_destination(SETTINGS, location(kind))


@pytest.mark.parametrize("kind", sorted(set(LocationKind) - RECEIVING))
def test_other_locations_cannot(kind):
    with pytest.raises(UsageError, match=kind):
        check_destination(SETTINGS, location(kind))


def test_an_sts_location_cannot():
    with pytest.raises(UsageError, match="STS"):
        check_destination(SETTINGS, location(LocationKind.EXTERNAL_S3, sts=True))


def test_the_destination_is_no_source():
    with pytest.raises(UsageError, match="both source and destination"):
        check_settings(
            MigrationSettings(roots=(EntityId("syn1"),), destination=DESTINATION, source_location_ids=(DESTINATION,))
        )


def test_something_must_be_named():
    with pytest.raises(UsageError, match="No entity"):
        check_settings(MigrationSettings(roots=(), destination=DESTINATION))


def test_a_token_must_have_all_three_scopes():
    with pytest.raises(AccessError, match="download and modify"):
        check_scopes(user("view"))


@pytest.mark.parametrize("scopes", [(), ("view", "download", "modify", "openid")])
def test_a_token_that_says_enough_or_nothing_is_let_through(scopes):
    check_scopes(user(*scopes))


@pytest.mark.parametrize("right", ["can_download", "can_edit"])
def test_a_missing_right_on_the_root_stops(right):
    with pytest.raises(AccessError, match=right.removeprefix("can_")):
        check_access(facts(**{right: False}))


def test_uploads_that_still_go_elsewhere_are_said():
    assert ["still go to storage location 1"] == [
        "still go to storage location 1" for one in findings(facts(default=1), SETTINGS) if "location 1," in one.what
    ]
    assert () == findings(facts(), SETTINGS)


def test_a_user_without_certification_is_warned():
    (finding,) = findings(facts(is_certified=False), SETTINGS)
    assert "not certified" in finding.what
