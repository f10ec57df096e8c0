"""What a rule promises about the answer, seen by a real client over a socket; and about the bytes."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from sandbox.faults import FaultKind, FaultRule
from sandbox.objects.contents import MemoryContent, VirtualContent
from sandbox.objects.spoiling import spoiler_of
from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from tests.crash.small_project import build_small_project

ME = "/repo/v1/userProfile"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(SandboxOptions(is_throttled=False, wait_scale=1)) as running:
        yield running


def ask(sandbox: Sandbox, *, seconds: float = 5) -> httpx.Response:
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    return httpx.get(sandbox.url + ME, headers=headers, timeout=seconds, trust_env=False)


def test_half_an_answer_never_passes_for_a_whole_one(sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(kind=FaultKind.TRUNCATE))

    with pytest.raises(httpx.TransportError):
        ask(sandbox)

    assert 200 == sandbox.app.traffic.log[-1].status
    assert 200 == ask(sandbox).status_code


def test_half_an_object_never_passes_for_a_whole_one(sandbox: Sandbox) -> None:
    sandbox.world.objects.create_bucket("b", region="us-east-1")
    sandbox.world.objects.put("b", "k", b"0123456789")
    url = sandbox.world.objects.presign_get("b", "k")
    sandbox.faults.add(FaultRule(kind=FaultKind.TRUNCATE, path="/b/k"))

    with pytest.raises(httpx.TransportError):
        httpx.get(url, trust_env=False)

    assert b"0123456789" == httpx.get(url, trust_env=False).content


def test_a_late_answer_comes_after_the_work(sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(kind=FaultKind.DELAY_AFTER, delay_seconds=0.3))

    with pytest.raises(httpx.TimeoutException):
        ask(sandbox, seconds=0.1)

    assert 200 == ask(sandbox).status_code


def test_an_answer_that_is_held_comes_when_the_rule_is_lifted(sandbox: Sandbox) -> None:
    """The work is done at once, whatever happens to the caller; other calls pass."""
    sandbox.faults.add(FaultRule(kind=FaultKind.HOLD))

    with ThreadPoolExecutor() as threads:
        held = threads.submit(ask, sandbox, seconds=60)
        while not sandbox.faults.rules[0].struck:
            time.sleep(0.01)
        assert 200 == ask(sandbox).status_code
        assert not held.done()
        sandbox.faults.clear()

        assert 200 == held.result(60).status_code


def test_jobs_that_hang_come_to_their_end_when_they_are_let(sandbox: Sandbox) -> None:
    """Also one that only waited for the table that another one kept locked."""
    table = build_small_project(sandbox.world, with_tables=True).landmarks["slides"]
    headers = {"Authorization": f"Bearer {sandbox.token}"}

    def call(method: str, path: str, body: object = None) -> httpx.Response:
        return httpx.request(method, sandbox.url + path, json=body, headers=headers, trust_env=False)

    def started(family: str, body: object) -> str:
        path = f"/repo/v1/entity/{table}/table/{family}/async"
        return f"{path}/get/{call('POST', f'{path}/start', body).json()['token']}"

    call("POST", "/sandbox/jobs", {"neverFinish": ["tableTransaction"]})
    package = "org.sagebionetworks.repo.model.table."
    rows = {"concreteType": f"{package}PartialRowSet", "tableId": table, "rows": [{"rowId": 1, "values": []}]}
    append = {"concreteType": f"{package}AppendableRowSetRequest", "entityId": table, "toAppend": rows}
    change = {"concreteType": f"{package}TableUpdateTransactionRequest", "entityId": table, "changes": [append]}
    bundle = {"concreteType": f"{package}QueryBundleRequest", "query": {"sql": f"select * from {table}"}}
    hung, behind = started("transaction", change), started("query", {**bundle, "entityId": table, "partMask": 1})

    assert [202, 202] == [call("GET", one).status_code for one in (hung, behind)]
    call("POST", "/sandbox/jobs", {"neverFinish": []})
    assert [201, 201] == [call("GET", one).status_code for one in (hung, behind)]


def test_a_damaged_part_is_as_long_and_not_the_same() -> None:
    for content in (MemoryContent(b"abc"), VirtualContent(6 * 1024**3, "0" * 32)):
        spoilt = spoiler_of(FaultKind.DAMAGE)(content)

        assert content.size == spoilt.size
        assert content.whole_digest() != spoilt.whole_digest()


def test_a_short_part_lacks_its_last_byte() -> None:
    assert b"ab" == spoiler_of(FaultKind.SHORTEN)(MemoryContent(b"abc")).bytes()
    assert 41 == spoiler_of(FaultKind.SHORTEN)(VirtualContent(42, "0" * 32)).size


def test_other_kinds_leave_bytes_alone() -> None:
    content = MemoryContent(b"abc")

    assert all(
        content is spoiler_of(kind)(content) for kind in FaultKind if kind not in {FaultKind.DAMAGE, FaultKind.SHORTEN}
    )
