"""A message: its text goes up as a file of one part, then it is sent; once."""

import asyncio
import hashlib
import json

import httpx
import pytest

from storage_core.errors import AnswerLost, ServerFault
from storage_core.model.ids import PrincipalId
from storage_core.model.messages import Notice, Principal
from storage_core.synapse.messenger import SynapseMessenger
from storage_core.synapse.presigned import PresignedSender

NOTICE = Notice(subject="done", text="Größe: 1\n")
CONTENT = "Größe: 1\n".encode()
MD5 = hashlib.md5(CONTENT).hexdigest()
UPLOADING = {"uploadId": "66", "partsState": "0", "state": "UPLOADING"}
COMPLETED = {"uploadId": "66", "partsState": "1", "state": "COMPLETED", "resultFileHandleId": "90950"}
PART = {"partNumber": 1, "uploadPresignedUrl": "https://s3.test/part", "signedHeaders": {"Content-Type": "text/plain"}}
GOOD = {
    "/file/v1/file/multipart": httpx.Response(201, json=UPLOADING),
    "/file/v1/file/multipart/66/presigned/url/batch": httpx.Response(201, json={"partPresignedUrls": [PART]}),
    "/file/v1/file/multipart/66/add/1": httpx.Response(200, json={"partNumber": 1, "addPartState": "ADD_SUCCESS"}),
    "/file/v1/file/multipart/66/complete": httpx.Response(200, json=COMPLETED),
    "/repo/v1/message": httpx.Response(201, json={"id": "7001"}),
}


STORED = httpx.Response(200, headers={"etag": f'"{MD5}"'})


def send(lab, config, *, answers=None, s3=STORED):
    """Send the notice; return what S3 was sent."""
    table = {**GOOD, **(answers or {})}
    stored = []

    def serve(request):
        answer = table[request.url.path]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, json=json.loads(answer.content or b"{}"))

    def store(request):
        stored.append(request.content)
        return s3

    async def story():
        async with PresignedSender(config, http=httpx.MockTransport(store)) as sender:
            await SynapseMessenger(lab.transport, sender).send(NOTICE, (PrincipalId("3412"), PrincipalId("7")))

    lab.answer = serve
    asyncio.run(story())
    return stored


def paths(lab):
    return [request.url.path for request in lab.requests]


def test_a_message_costs_five_calls_and_one_put(lab, config):
    assert [CONTENT] == send(lab, config)

    assert list(GOOD) == paths(lab)
    start, message = json.loads(lab.requests[0].content), json.loads(lab.requests[-1].content)
    assert {
        "concreteType": "org.sagebionetworks.repo.model.file.MultipartUploadRequest",
        "fileName": "message.txt",
        "contentType": "text/plain; charset=utf-8",
        "contentMD5Hex": MD5,
        "fileSizeBytes": len(CONTENT),
        "partSizeBytes": 5_242_880,
        "generatePreview": False,
    } == start
    assert {"recipients": ["3412", "7"], "subject": "done", "fileHandleId": "90950"} == message


def test_a_text_that_is_there_already_is_not_sent_again(lab, config):
    """The same text within the life of an upload: Synapse answers with the finished one (contract 8.3)."""
    assert [] == send(lab, config, answers={"/file/v1/file/multipart": httpx.Response(200, json=COMPLETED)})

    assert ["/file/v1/file/multipart", "/repo/v1/message"] == paths(lab)


def test_no_message_without_its_text(lab, config):
    with pytest.raises(ServerFault, match="S3"):
        send(lab, config, s3=httpx.Response(500))

    assert "/repo/v1/message" not in paths(lab)


def test_a_part_that_is_not_taken_stops_the_message(lab, config):
    failed = {"partNumber": 1, "addPartState": "ADD_FAILED", "errorMessage": "etag differs"}

    with pytest.raises(ServerFault, match="etag differs"):
        send(lab, config, answers={"/file/v1/file/multipart/66/add/1": httpx.Response(200, json=failed)})


def test_a_message_whose_answer_is_lost_is_not_sent_twice(lab, config):
    """Nobody gets the same mail two times because a line broke."""
    with pytest.raises(AnswerLost):
        send(lab, config, answers={"/repo/v1/message": httpx.ReadError("the line broke")})

    assert 1 == paths(lab).count("/repo/v1/message")


def test_names_are_looked_up_a_hundred_at_a_time(lab, config):
    """Unknown ones are missing from the answer."""
    found = {"list": [{"ownerId": 3412, "userName": "anna", "isIndividual": True}]}
    lab.answer = lambda _request: httpx.Response(200, json=found)

    async def story():
        async with PresignedSender(config) as sender:
            return await SynapseMessenger(lab.transport, sender).principals(["anna", *(f"n{n}" for n in range(120))])

    principals = asyncio.run(story())

    assert [100, 21] == [len(json.loads(request.content)["list"]) for request in lab.requests]
    assert Principal(id=PrincipalId("3412"), name="anna") == principals[0]
