"""File handles and batches of them: JSON and records (contract 7.1 to 7.6)."""

from collections.abc import Sequence

from storage_core.model.handles import Association, FileHandle, HandleAnswer, HandleKind, HandleRefusal, HandleStatus
from storage_core.model.ids import DEFAULT_STORAGE_LOCATION, FileHandleId, PrincipalId, StorageLocationId
from storage_core.synapse.calls import Answer, JsonObject
from storage_core.synapse.wire_fields import Fields, nonsense

PREFIX = "org.sagebionetworks.repo.model.file."
DEFAULT_CONTENT_TYPE = "application/octet-stream"
_KINDS = {
    "S3FileHandle": HandleKind.S3,
    "GoogleCloudFileHandle": HandleKind.GOOGLE_CLOUD,
    "ExternalFileHandle": HandleKind.EXTERNAL_URL,
    "ExternalObjectStoreFileHandle": HandleKind.OBJECT_STORE,
    "ProxyFileHandle": HandleKind.PROXY,
}


def read_handle(fields: Fields) -> FileHandle:
    """Read one file handle of any class; one we do not know is UNKNOWN, an absent location is Synapse's own."""
    concrete_type = fields.optional_text("concreteType") or ""
    md5 = fields.optional_text("contentMd5")
    location = fields.optional_whole("storageLocationId")
    created_by = fields.optional_id("createdBy")
    preview_id = fields.optional_id("previewId")
    return FileHandle(
        id=FileHandleId(fields.id("id")),
        kind=_KINDS.get(concrete_type.rpartition(".")[2], HandleKind.UNKNOWN),
        concrete_type=concrete_type,
        storage_location_id=DEFAULT_STORAGE_LOCATION if location is None else StorageLocationId(location),
        size_bytes=fields.optional_whole("contentSize"),
        md5=md5.strip().lower() or None if md5 else None,
        file_name=fields.optional_text("fileName"),
        content_type=fields.optional_text("contentType"),
        bucket=fields.optional_text("bucketName") or fields.optional_text("bucket"),
        key=fields.optional_text("key") or fields.optional_text("fileKey") or fields.optional_text("filePath"),
        endpoint_url=fields.optional_text("endpointUrl"),
        url=fields.optional_text("externalURL"),
        created_by=PrincipalId(created_by) if created_by else None,
        preview_id=FileHandleId(preview_id) if preview_id else None,
        status=_status(fields),
    )


def _status(fields: Fields) -> HandleStatus:
    text = fields.optional_text("status")
    if text is None:
        return HandleStatus.AVAILABLE
    return HandleStatus(text) if text in set(HandleStatus) else HandleStatus.UNKNOWN


def choose_handle(handles: Fields, name: str, handle_id: FileHandleId | None) -> FileHandle | None:
    """Pick the entry whose id is *handle_id* from a list; a preview in the same list is never taken."""
    for entry in handles.inners(name):
        if handle_id is not None and entry.optional_id("id") == handle_id:
            return read_handle(entry)
    return None


def batch_request(associations: Sequence[Association], *, with_urls: bool) -> JsonObject:
    """Ask for at most 100 handles."""
    return {
        "requestedFiles": [association_json(association) for association in associations],
        "includeFileHandles": True,
        "includePreSignedURLs": with_urls,
        "includePreviewPreSignedURLs": False,
    }


def association_json(association: Association) -> JsonObject:
    """Write one association."""
    return {
        "fileHandleId": association.handle_id,
        "associateObjectId": association.object_id,
        "associateObjectType": association.kind.value,
    }


def read_batch(answer: Answer, associations: Sequence[Association]) -> tuple[HandleAnswer, ...]:
    """Read the answers, one per association, in its order."""
    entries = [_answer(entry) for entry in Fields.of(answer).inners("requestedFiles")]
    if [entry.handle_id for entry in entries] != [association.handle_id for association in associations]:
        raise nonsense(answer.call, "the handles are not those that were asked for, in that order")
    return tuple(entries)


def _answer(entry: Fields) -> HandleAnswer:
    handle = entry.optional_inner("fileHandle")
    code = entry.optional_text("failureCode")
    refusal: HandleRefusal | None = None
    if handle is None:
        # a code we do not know is a refusal all the same
        refusal = HandleRefusal(code) if code in set(HandleRefusal) else HandleRefusal.UNAUTHORIZED
    return HandleAnswer(
        handle_id=FileHandleId(entry.id("fileHandleId")),
        handle=None if handle is None else read_handle(handle),
        refusal=refusal,
        presigned_url=entry.optional_text("preSignedURL"),
    )


def copy_records_request(associations: Sequence[Association]) -> JsonObject:
    """Ask for records of the caller's own of at most 100 objects."""
    return {"copyRequests": [{"originalFile": association_json(association)} for association in associations]}


def read_copied_records(answer: Answer, associations: Sequence[Association]) -> tuple[HandleAnswer, ...]:
    """Read the answers, one per association, in its order; each is named by the original handle."""
    entries = {FileHandleId(one.id("originalFileHandleId")): one for one in Fields.of(answer).inners("copyResults")}
    if entries.keys() != {association.handle_id for association in associations}:
        raise nonsense(answer.call, "the handles are not those that were to be copied")
    return tuple(_copied(association.handle_id, entries[association.handle_id]) for association in associations)


def _copied(original: FileHandleId, entry: Fields) -> HandleAnswer:
    record = entry.optional_inner("newFileHandle")
    code = entry.optional_text("failureCode")
    if record is not None:
        return HandleAnswer(handle_id=original, handle=read_handle(record))
    refusal = HandleRefusal(code) if code in set(HandleRefusal) else HandleRefusal.UNAUTHORIZED
    return HandleAnswer(handle_id=original, refusal=refusal)


def s3_registration(*, location_id: StorageLocationId, bucket: str, key: str, source: FileHandle) -> JsonObject:
    """Describe an object that already lies in a bucket, with the facts of *source* but its size (contract 7.6)."""
    body: JsonObject = {
        "concreteType": f"{PREFIX}S3FileHandle",
        "storageLocationId": location_id,
        "bucketName": bucket,
        "key": key,
        "contentMd5": source.md5,
        "fileName": source.file_name,
        "contentType": source.content_type or DEFAULT_CONTENT_TYPE,
    }
    return {name: value for name, value in body.items() if value is not None}
