"""The object store's rules, asked directly."""

import hashlib
from datetime import timedelta

import pytest

from sandbox.clock import SandboxClock
from sandbox.objects.access import Action
from sandbox.objects.contents import MemoryContent
from sandbox.objects.parts import multipart_etag
from sandbox.objects.records import Attributes
from sandbox.objects.store import ObjectStore, S3Refusal

MIB = 1024**2
GIB = 1024**3
DECLARED = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def store() -> ObjectStore:
    made = ObjectStore(clock=SandboxClock())
    made.create_bucket("source")
    made.create_bucket("destination")
    return made


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def copied(store: ObjectStore, key: str, ranges: list[tuple[int, int]], *, into: str = "destination"):
    """A server-side copy of source/key in the given ranges, as an upload of one part each."""
    source = store.head("source", key)
    upload_id = store.start_upload(into, key)
    parts = [
        store.put_part(into, key, upload_id, number, store.part_source(source, taken))
        for number, taken in enumerate(ranges, start=1)
    ]
    return store.complete_upload(into, key, upload_id, [(part.number, part.etag) for part in parts])


def ranges_of(size: int, part_size: int) -> list[tuple[int, int]]:
    return [(start, min(start + part_size, size) - 1) for start in range(0, size, part_size)]


def refusal_of(action) -> str:
    with pytest.raises(S3Refusal) as raised:
        action()
    return raised.value.code


def test_an_object_put_in_one_piece_has_its_md5_for_an_etag(store):
    assert md5(b"hello") == store.put("source", "a", b"hello").etag


def test_the_part_of_a_single_part_copy_has_the_declared_md5_for_an_etag(store):
    store.put_virtual("source", "a", size=4 * GIB, md5=DECLARED)
    upload_id = store.start_upload("destination", "a")

    part = store.put_part("destination", "a", upload_id, 1, store.part_source(store.head("source", "a"), None))

    assert DECLARED == part.etag
    assert multipart_etag([DECLARED]) == store.complete_upload("destination", "a", upload_id, [(1, part.etag)]).etag


@pytest.mark.parametrize("part_size", [8 * MIB, 100 * MIB, 2 * GIB])
def test_a_copy_cut_like_its_source_has_its_sources_etag(store, part_size):
    size = 4 * GIB + 12_345
    source = store.put_virtual("source", "a", size=size, md5=DECLARED, part_size=part_size)

    assert source.etag == copied(store, "a", ranges_of(size, part_size)).etag


def test_a_copy_cut_otherwise_has_another_etag_but_the_same_content(store):
    source = store.put_virtual("source", "a", size=GIB, md5=DECLARED, part_size=8 * MIB)

    copy = copied(store, "a", ranges_of(GIB, 64 * MIB))

    assert source.etag != copy.etag
    assert source.content == copy.content


def test_a_copy_that_swaps_two_parts_is_found_out(store):
    store.put_virtual("source", "a", size=20 * MIB, md5=DECLARED)

    swapped = copied(store, "a", list(reversed(ranges_of(20 * MIB, 10 * MIB))))

    assert DECLARED != swapped.content.whole_digest()


def test_a_truncated_copy_has_the_smaller_size(store):
    store.put_virtual("source", "a", size=8 * GIB, md5=DECLARED)

    assert 5 * GIB == copied(store, "a", [(0, 5 * GIB - 1)]).size


def test_opaque_etags_say_nothing_about_the_bytes(store):
    store.create_bucket("destination").has_opaque_etags = True
    store.put_virtual("source", "a", size=20 * MIB, md5=DECLARED, part_size=10 * MIB)
    ranges = ranges_of(20 * MIB, 10 * MIB)

    first, second = copied(store, "a", ranges), copied(store, "a", ranges)

    assert "2" == first.etag.partition("-")[2]
    assert len({first.etag, second.etag, store.head("source", "a").etag}) == 3
    assert md5(b"x") != store.put("destination", "x", b"x").etag


def test_a_part_above_five_gib_cannot_be_copied(store):
    store.put_virtual("source", "a", size=5 * GIB + 1, md5=DECLARED)
    source = store.head("source", "a")

    assert "InvalidRequest" == refusal_of(lambda: store.part_source(source, None))
    assert 5 * GIB == store.part_source(source, (0, 5 * GIB - 1)).size


def test_a_range_beyond_the_source_cannot_be_copied(store):
    source = store.put("source", "a", b"0123456789")

    assert "InvalidArgument" == refusal_of(lambda: store.part_source(source, (5, 10)))


def test_all_parts_but_the_last_need_five_mib(store):
    upload_id = store.start_upload("destination", "a")
    parts = [store.put_part("destination", "a", upload_id, n, MemoryContent(b"small")) for n in (1, 2)]
    listed = [(part.number, part.etag) for part in parts]

    assert "EntityTooSmall" == refusal_of(lambda: store.complete_upload("destination", "a", upload_id, listed))
    assert b"small" == store.complete_upload("destination", "a", upload_id, listed[1:]).content.bytes()


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        ([], "MalformedXML"),
        ([(2, md5(b"b")), (1, md5(b"a"))], "InvalidPartOrder"),
        ([(1, md5(b"a")), (1, md5(b"a"))], "InvalidPartOrder"),
        ([(1, md5(b"other"))], "InvalidPart"),
        ([(1, md5(b"a")), (3, md5(b"c"))], "InvalidPart"),
    ],
)
def test_a_wrong_list_of_parts_completes_nothing(store, listed, code):
    upload_id = store.start_upload("destination", "a")
    store.put_part("destination", "a", upload_id, 1, MemoryContent(b"a"))
    store.put_part("destination", "a", upload_id, 2, MemoryContent(b"b"))

    assert code == refusal_of(lambda: store.complete_upload("destination", "a", upload_id, listed))
    assert store.find("destination", "a") is None


def test_an_upload_is_gone_once_completed_or_aborted(store):
    upload_id = store.start_upload("destination", "a")
    part = store.put_part("destination", "a", upload_id, 1, MemoryContent(b"a"))
    store.complete_upload("destination", "a", upload_id, [(1, f'"{part.etag}"')])
    other_id = store.start_upload("destination", "a")
    store.abort_upload("destination", "a", other_id)

    assert "NoSuchUpload" == refusal_of(lambda: store.abort_upload("destination", "a", upload_id))
    assert "NoSuchUpload" == refusal_of(lambda: store.complete_upload("destination", "a", other_id, [(1, "x")]))


def test_an_upload_belongs_to_its_key(store):
    upload_id = store.start_upload("destination", "a")

    assert "NoSuchUpload" == refusal_of(lambda: store.abort_upload("destination", "b", upload_id))


def test_a_bucket_closed_to_synapse_refuses_synapse_only(store):
    store.put("source", "a", b"a")
    store.bucket("source").readable_by_synapse = False
    store.bucket("destination").writable_by_synapse = False

    assert "AccessDenied" == refusal_of(lambda: store.head("source", "a"))
    assert "AccessDenied" == refusal_of(lambda: store.start_upload("destination", "a"))
    assert 1 == store.head("source", "a", by=store.owner).size


def test_archived_bytes_can_be_described_but_not_read(store):
    store.put("source", "a", b"a", attributes=Attributes(storage_class="GLACIER"))

    assert 1 == store.head("source", "a").size
    assert "InvalidObjectState" == refusal_of(lambda: store.get("source", "a"))


@pytest.mark.parametrize(
    ("action", "key", "allowed"),
    [
        (Action.READ, "lab/file", True),
        (Action.WRITE, "lab/deep/file", True),
        (Action.LIST, "lab", True),
        (Action.READ, "laboratory/file", False),
        (Action.READ, "elsewhere", False),
        (Action.LIST, "", False),
        (Action.READ, "lab/owner.txt", False),
        (Action.WRITE, "lab/owner.txt", False),
        (Action.READ, "lab/deep/owner.txt", True),
    ],
)
def test_a_session_reaches_its_prefix_and_never_the_ownership_proof(store, action, key, allowed):
    session = store.issue_session("source", "lab", read_only=False)

    assert allowed is session.allows(action, store.bucket("source"), key)
    assert not session.allows(action, store.bucket("destination"), key)


def test_a_session_for_a_whole_bucket_leaves_out_its_ownership_proof(store):
    session = store.issue_session("source", "", read_only=False)

    assert session.allows(Action.LIST, store.bucket("source"), "")
    assert session.allows(Action.WRITE, store.bucket("source"), "any/file")
    assert not session.allows(Action.READ, store.bucket("source"), "owner.txt")


def test_a_read_only_session_cannot_write(store):
    session = store.issue_session("source", "lab", read_only=True)

    assert session.allows(Action.READ, store.bucket("source"), "lab/file")
    assert not session.allows(Action.WRITE, store.bucket("source"), "lab/file")


def test_a_session_ends_when_its_time_is_over(store):
    session = store.issue_session("source", "lab", read_only=True, seconds=3600)

    assert timedelta(0) < session.expires - store.clock.now() <= timedelta(hours=1)
    assert session is store.credential(session.access_key)


def test_listing_follows_byte_order_and_prefix(store):
    for key in ["b", "a/2", "a/10", "é", "a"]:
        store.put("source", key, b"")

    assert ["a", "a/10", "a/2", "b", "é"] == [key for key, _ in store.list("source")]
    assert ["a/10", "a/2"] == [key for key, _ in store.list("source", "a/")]
    assert ["a/2"] == [key for key, _ in store.list("source", "a/", after="a/10")]
    store.delete("source", "a/10")
    assert ["a/2"] == [key for key, _ in store.list("source", "a/")]


def test_presigned_copies_name_every_header_that_must_be_sent(store):
    upload_id = store.start_upload("destination", "k")

    url, headers = store.presign_copy_part(
        "destination",
        "k",
        upload_id,
        3,
        source_bucket="source",
        source_key="päth/a b.txt",
        first_byte=0,
        last_byte=9,
        source_etag="abc-2",
    )

    assert {
        "x-amz-copy-source": "source/p%C3%A4th/a%20b.txt",
        "x-amz-copy-source-range": "bytes=0-9",
        "x-amz-copy-source-if-match": "abc-2",
    } == headers
    assert f"{store.endpoint_url}/destination/k?partNumber=3&uploadId={upload_id}&" in url
    assert "X-Amz-Expires=900" in url
