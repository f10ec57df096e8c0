"""Which S3 operation a request asks for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sandbox.objects import s3_buckets, s3_multipart, s3_objects
from sandbox.objects.refusals import S3Refusal
from sandbox.objects.s3_calls import S3Call
from sandbox.objects.s3_http import S3Answer, S3Request

Handler = Callable[[S3Call], Awaitable[S3Answer]]


@dataclass(frozen=True, slots=True)
class Operation:
    """An S3 operation on a bucket or an object: which requests it answers, and how.

    Attributes:
        marker: a query member that must be there; `header` likewise.
        is_regional: must the request be signed for the bucket's region?
    """

    name: str
    method: str
    handler: Handler
    marker: str | None = None
    header: str | None = None
    is_regional: bool = True

    def answers(self, request: S3Request) -> bool:
        """Is this the operation that the request asks for?"""
        return (
            request.method == self.method
            and (self.marker is None or self.marker in request.query)
            and (self.header is None or self.header in request.headers)
        )


_COPY = "x-amz-copy-source"
BUCKET_OPERATIONS = (
    Operation("GetBucketLocation", "GET", s3_buckets.get_bucket_location, "location", is_regional=False),
    Operation("ListObjectsV2", "GET", s3_buckets.list_objects, "list-type"),
    Operation("ListMultipartUploads", "GET", s3_multipart.list_uploads, "uploads"),
    Operation("ListObjects", "GET", s3_buckets.list_objects_as_before),
    Operation("DeleteObjects", "POST", s3_buckets.delete_objects, "delete"),
    Operation("HeadBucket", "HEAD", s3_buckets.head_bucket),
    Operation("CreateBucket", "PUT", s3_buckets.create_bucket, is_regional=False),
)
OBJECT_OPERATIONS = (
    Operation("GetObjectAttributes", "GET", s3_objects.get_object_attributes, "attributes"),
    Operation("ListParts", "GET", s3_multipart.list_parts, "uploadId"),
    Operation("GetObject", "GET", s3_objects.get_object),
    Operation("HeadObject", "HEAD", s3_objects.head_object),
    Operation("UploadPartCopy", "PUT", s3_multipart.upload_part_copy, "uploadId", _COPY),
    Operation("UploadPart", "PUT", s3_multipart.upload_part, "uploadId"),
    Operation("CopyObject", "PUT", s3_objects.copy_object, None, _COPY),
    Operation("PutObject", "PUT", s3_objects.put_object),
    Operation("CreateMultipartUpload", "POST", s3_multipart.create_upload, "uploads"),
    Operation("CompleteMultipartUpload", "POST", s3_multipart.complete_upload, "uploadId"),
    Operation("AbortMultipartUpload", "DELETE", s3_multipart.abort_upload, "uploadId"),
    Operation("DeleteObject", "DELETE", s3_objects.delete_object),
)
LIST_BUCKETS = Operation("ListBuckets", "GET", s3_buckets.list_buckets, is_regional=False)
_OTHER_RESOURCES = frozenset(
    [
        "accelerate",
        "acl",
        "analytics",
        "cors",
        "encryption",
        "inventory",
        "legal-hold",
        "lifecycle",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "ownershipControls",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "replication",
        "requestPayment",
        "restore",
        "retention",
        "tagging",
        "torrent",
        "versioning",
        "versions",
        "website",
    ]
)
"""Parts of S3 that are not played here; said so instead of being taken for a listing."""


def operation_of(request: S3Request) -> Operation:
    """The operation asked for; refuses with NotImplemented or MethodNotAllowed."""
    if not request.bucket:
        return LIST_BUCKETS
    if not _OTHER_RESOURCES.isdisjoint(request.query):
        raise S3Refusal("NotImplemented", "This part of S3 is not in the sandbox", 501)
    candidates = OBJECT_OPERATIONS if request.key else BUCKET_OPERATIONS
    found = next((operation for operation in candidates if operation.answers(request)), None)
    if found is None:
        raise S3Refusal("MethodNotAllowed", "The specified method is not allowed against this resource.", 405)
    return found
