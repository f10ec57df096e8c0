"""Contents: what a digest promises, for bytes that exist and for bytes that are only declared."""

import gc
import hashlib
import itertools

from hypothesis import given
from hypothesis import strategies as st

from sandbox.objects.contents import FileContent, MemoryContent, Piece, VirtualContent, compose, slice_of

GIB = 1024**3
DECLARED = "0123456789abcdef0123456789abcdef"


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def cut(content, *places: int) -> list[Piece]:
    """The content in neighbouring ranges."""
    edges = [0, *sorted(places), content.size]
    return [Piece(content, low, high - 1) for low, high in itertools.pairwise(edges) if low < high]


def test_the_digest_of_real_bytes_is_their_md5():
    content = MemoryContent(b"some bytes of no importance")

    assert md5(b"bytes") == content.digest(5, 9)


def test_the_whole_of_a_declared_content_has_the_declared_md5():
    assert DECLARED == VirtualContent(30 * GIB, DECLARED).whole_digest()


def test_a_range_of_a_declared_content_never_has_the_declared_md5():
    assert DECLARED != VirtualContent(30 * GIB, DECLARED).digest(0, 30 * GIB - 2)


def test_equal_ranges_of_equal_declared_contents_agree():
    one, other = VirtualContent(9 * GIB, DECLARED), VirtualContent(9 * GIB, DECLARED)

    assert one.digest(GIB, 2 * GIB) == other.digest(GIB, 2 * GIB)
    assert one.digest(GIB, 2 * GIB) != other.digest(GIB, 2 * GIB + 1)


def test_an_empty_content_has_the_md5_of_nothing():
    assert md5(b"") == MemoryContent(b"").whole_digest()
    assert DECLARED == VirtualContent(0, DECLARED).whole_digest()


@given(st.binary(min_size=1, max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_joining_all_neighbouring_ranges_gives_back_the_content_itself(data, places):
    content = MemoryContent(data)

    assert compose(cut(content, *(min(place, len(data)) for place in places))) is content


@given(st.lists(st.integers(0, 9 * GIB), max_size=6))
def test_a_declared_content_survives_being_cut_and_joined(places):
    content = VirtualContent(9 * GIB, DECLARED)

    assert content == compose(cut(content, *places))


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=2, max_size=5), st.data())
def test_joined_real_contents_read_and_digest_like_the_joined_bytes(chunks, data):
    joined = b"".join(chunks)
    content = compose([Piece(MemoryContent(chunk), 0, len(chunk) - 1) for chunk in chunks])
    first = data.draw(st.integers(0, len(joined) - 1))
    last = data.draw(st.integers(first, len(joined) - 1))

    assert joined[first : last + 1] == b"".join(content.read(first, last))
    assert md5(joined[first : last + 1]) == content.digest(first, last)


def test_pieces_in_the_wrong_order_are_another_content():
    content = VirtualContent(9 * GIB, DECLARED)
    front, back = cut(content, 4 * GIB)

    swapped = compose([back, front])

    assert content.size == swapped.size
    assert DECLARED != swapped.whole_digest()


def test_a_composition_never_nests():
    inner = compose([Piece(MemoryContent(b"ab"), 0, 1), Piece(MemoryContent(b"cd"), 0, 1)])

    outer = compose([Piece(inner, 1, 2), Piece(MemoryContent(b"x"), 0, 0)])

    assert [b"b", b"c", b"x"] == [b"".join(piece.content.read(piece.first, piece.last)) for piece in outer.parts]


def test_a_slice_of_a_slice_is_a_slice_of_the_original():
    content = VirtualContent(9 * GIB, DECLARED)

    part = slice_of(slice_of(content, GIB, 3 * GIB), 10, 19)

    assert content.digest(GIB + 10, GIB + 19) == part.whole_digest()


def test_a_declared_content_reads_the_same_pattern_from_every_starting_point():
    content = VirtualContent(1_000_000, DECLARED, 7)
    whole = content.bytes()

    assert 1_000_000 == len(whole)
    assert whole[123_456:777_778] == b"".join(content.read(123_456, 777_777))
    assert whole != VirtualContent(1_000_000, DECLARED, 8).bytes()


def test_a_content_in_a_file_reads_ranges_and_takes_its_file_with_it(tmp_path):
    data = bytes(range(256)) * 100
    path = tmp_path / "content"
    path.write_bytes(data)
    content = FileContent(path, len(data), md5(data))

    assert data[100:600] == b"".join(content.read(100, 599))
    assert md5(data[100:600]) == content.digest(100, 599)

    del content
    gc.collect()
    assert not path.exists()


def test_thirty_declared_gigabytes_in_ten_thousand_parts_cost_no_memory():
    content = VirtualContent(30 * GIB, DECLARED)
    size = -(-content.size // 10_000)
    parts = [slice_of(content, start, min(start + size, content.size) - 1) for start in range(0, content.size, size)]

    joined = compose([Piece(part, 0, part.size - 1) for part in parts])

    assert content == joined
