"""Asynchronous jobs: tokens, states, failures, waiting for each other (contract 12, 9.9)."""

from datetime import timedelta

import pytest

from sandbox.synapse.tables_routes import QUERY, TRANSACTION
from tests.unit.sandbox.table_lab import REPO, TableLab

DELAY = 10


@pytest.fixture
def lab() -> TableLab:
    made = TableLab()
    made.add({"label": "a"})
    made.world.clock.wait_scale = 1.0
    return made


@pytest.fixture
def slow(lab: TableLab) -> TableLab:
    lab.world.jobs.delay_seconds = DELAY
    return lab


def pass_time(lab, seconds):
    lab.world.clock.shift += timedelta(seconds=seconds)


def start(lab, path="query", body=None, table=None):
    place = f"{REPO}/entity/{table or lab.table.id}/table/{path}/async"
    asked = body or {"query": {"sql": f"SELECT label FROM {lab.table.id}"}, "partMask": 1}
    answer = lab.client.post(f"{place}/start", asked)
    assert (201, {"token"}) == (answer.status, set(answer.json))
    return f"{place}/get/{answer.json['token']}"


def write(lab, label):
    return start(lab, "transaction", {"changes": [lab.partial(lab.cell(1, "label", label))]})


def status_of(lab, address):
    return lab.client.get(f"{REPO}/asynchronous/job/{address.rpartition('/')[2]}").json


def test_a_job_is_processing_until_its_time_and_then_is_its_result(slow):
    address = start(slow)
    early = slow.client.get(address)
    pass_time(slow, DELAY)
    late = slow.client.get(address)

    assert (202, "PROCESSING", 3412) == (early.status, early.json["jobState"], early.json["startedByUserId"])
    assert address.endswith("/" + early.json["jobId"])
    assert (201, "queryResult" in late.json, "jobState" in late.json) == (late.status, True, False)


def test_waits_are_scaled_with_the_clock(slow):
    slow.world.clock.wait_scale = 0

    assert 201 == slow.client.get(start(slow)).status


def test_the_work_is_done_whether_or_not_anybody_asks(slow):
    """As at the service: a client that died while it waited finds its change in the table."""
    write(slow, "new")

    assert {"label": "new"} == slow.cells(1)


def test_the_status_shows_the_request_and_in_the_end_the_response(slow):
    address = start(slow)
    assert slow.table.id == status_of(slow, address)["requestBody"]["entityId"]
    pass_time(slow, DELAY)

    assert ("COMPLETE", True) == (status_of(slow, address)["jobState"], "responseBody" in status_of(slow, address))


@pytest.mark.parametrize(
    ("sql", "status"), [("SELECT x FROM {}", 400), ("SELECT x FROM syn1", 404), ("nonsense {}", 400)]
)
def test_a_failed_job_is_refused_as_its_work_was_but_its_status_is_not(lab, sql, status):
    address = start(lab, body={"query": {"sql": sql.format(lab.table.id)}})

    failed = lab.client.get(address)
    shown = status_of(lab, address)

    assert (status, "ErrorResponse") == (failed.status, failed.json["concreteType"].rpartition(".")[2])
    assert ("FAILED", failed.reason) == (shown["jobState"], shown["errorMessage"])
    assert isinstance(shown["errorDetails"], str)


def test_a_job_belongs_to_its_starter(lab):
    lab.client.grant(lab.project, "READ", "DOWNLOAD", "UPDATE")
    address = start(lab)

    assert 403 == lab.client.colleague().get(address).status
    token = address.rpartition("/")[2]
    assert 403 == lab.client.colleague().get(f"{REPO}/asynchronous/job/{token}").status
    assert 404 == lab.client.get(address.replace(token, "1")).status


def test_the_token_alone_counts_when_asking(lab):
    address = start(lab).replace(lab.table.id, "syn99999")

    assert 201 == lab.client.get(address).status


def test_the_path_names_the_table_whatever_the_body_says(lab):
    address = start(lab, "transaction", {"entityId": "syn1", "changes": [lab.partial(lab.cell(1, "label", "x"))]})

    assert (201, {"label": "x"}) == (lab.client.get(address).status, lab.cells(1))


def test_nobody_starts_a_job_without_signing_in(lab):
    place = f"{REPO}/entity/{lab.table.id}/table/query/async/start"

    assert 403 == lab.client.by(None).post(place, {}).status


def test_a_cancelled_job_says_so(slow):
    address = start(slow)
    token = address.rpartition("/")[2]

    assert 204 == slow.client.get(f"{REPO}/asynchronous/job/{token}/cancel").status
    assert status_of(slow, address)["jobCanceling"] is True


def test_a_second_writer_waits_for_the_first(slow):
    first, second = write(slow, "one"), write(slow, "two")
    pass_time(slow, DELAY)

    waiting = slow.client.get(second)
    assert (201, 202) == (slow.client.get(first).status, waiting.status)
    pass_time(slow, DELAY)
    assert 201 == slow.client.get(second).status
    assert {"label": "two"} == slow.cells(1)


def test_a_waiting_job_says_what_for(slow):
    first, second = write(slow, "one"), write(slow, "two")

    messages = [slow.client.get(address).json["progressMessage"] for address in (first, second)]
    assert ["Processing", "Waiting for table lock"] == messages


def test_readers_wait_for_writers_but_not_for_each_other(slow):
    readers = [start(slow, body={"query": {"sql": f"SELECT label FROM {slow.table.id} LIMIT {n}"}}) for n in (1, 2)]
    write(slow, "x")
    behind = start(slow)
    pass_time(slow, DELAY)

    assert [201, 201, 202] == [slow.client.get(address).status for address in (*readers, behind)]


def test_tables_do_not_wait_for_each_other(slow):
    other = slow.make_table("other", slow.ids["label"])
    write(slow, "x")
    sql = {"query": {"sql": f"SELECT label FROM {other.id}"}}
    elsewhere = start(slow, body=sql, table=other.id)
    pass_time(slow, DELAY)

    assert 201 == slow.client.get(elsewhere).status


def test_a_kept_answer_is_given_again_only_once_it_is_finished(slow):
    first = start(slow)
    assert first != start(slow)
    pass_time(slow, DELAY)

    assert 201 == slow.client.get(start(slow)).status


def test_some_kinds_can_be_made_to_run_for_ever(lab):
    lab.world.jobs.never_finish.add(QUERY)
    address = start(lab)
    pass_time(lab, 10**8)

    assert (202, 201) == (lab.client.get(address).status, lab.client.get(write(lab, "x")).status)


def test_a_writer_that_never_ends_holds_its_table_for_ever(lab):
    lab.world.jobs.never_finish.add(TRANSACTION)
    write(lab, "x")
    lab.world.jobs.never_finish.clear()

    assert 202 == lab.client.get(write(lab, "y")).status


def test_planned_failures_strike_their_kind_so_many_times_and_do_no_work(lab):
    lab.world.jobs.fail(TRANSACTION, 503, "deadlock", times=2)

    answers = [lab.client.get(write(lab, label)) for label in ("one", "two")]
    assert [(503, "deadlock")] * 2 == [(answer.status, answer.reason) for answer in answers]
    assert {"label": "a"} == lab.cells(1)
    assert 201 == lab.client.get(start(lab)).status
    assert 201 == lab.client.get(write(lab, "three")).status


def test_jobs_are_set_up_from_outside(lab):
    wishes = {"delaySeconds": 3.0, "neverFinish": [QUERY], "viewLagSeconds": 30.0}
    failure = {"kind": TRANSACTION, "status": 412, "reason": "no"}

    answer = lab.client.post("/sandbox/jobs", {**wishes, "fail": [failure]})

    assert (wishes, 30) == (answer.json, lab.world.tables.views.lag_seconds)
    address = write(lab, "x")
    pass_time(lab, 3)
    assert (412, "no") == (lab.client.get(address).status, lab.client.get(address).reason)
    assert 202 == lab.client.get(start(lab)).status
    assert 400 == lab.client.post("/sandbox/jobs", {"fail": [{"status": 500}]}).status
