"""Operations on buckets and on many objects at once."""

from sandbox.objects import refusals, s3_xml
from sandbox.objects.access import Action, BucketGrant
from sandbox.objects.listing import MOST_KEYS, Page, list_page
from sandbox.objects.records import StoredObject
from sandbox.objects.refusals import S3Refusal
from sandbox.objects.s3_calls import S3Call
from sandbox.objects.s3_http import S3Answer, xml_answer

MOST_DELETIONS = 1000


async def list_buckets(call: S3Call) -> S3Answer:
    """The buckets the caller can reach."""
    reachable = [one for one in call.store.buckets() if call.credential.allows(Action.LIST, one, "")]
    shown = [
        s3_xml.element("Bucket", s3_xml.text("Name", one.name), s3_xml.text("BucketRegion", one.region))
        for one in reachable
    ]
    return xml_answer(s3_xml.document("ListAllMyBucketsResult", s3_xml.element("Buckets", *shown)))


async def create_bucket(call: S3Call) -> S3Answer:
    """Make a bucket; only a caller who may do everything."""
    if not any(grant == BucketGrant() for grant in call.credential.grants):
        raise refusals.access_denied()
    body = (await call.body()).decode()
    region = body.partition("<LocationConstraint>")[2].partition("</LocationConstraint>")[0] or "us-east-1"
    call.store.create_bucket(call.request.bucket, region=region)
    return S3Answer(headers={"location": f"/{call.request.bucket}"})


async def head_bucket(call: S3Call) -> S3Answer:
    """Does it exist, may I use it, where is it?"""
    bucket = call.bucket(Action.LIST)
    return S3Answer(headers={"x-amz-bucket-region": bucket.region})


async def get_bucket_location(call: S3Call) -> S3Answer:
    """The region; us-east-1 is written as nothing."""
    bucket = call.bucket(Action.LIST)
    region = "" if bucket.region == "us-east-1" else bucket.region
    document = f'<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="{s3_xml.NAMESPACE}">{region}'
    return xml_answer(f"{document}</LocationConstraint>")


async def list_objects(call: S3Call) -> S3Answer:
    """One page of ListObjectsV2."""
    prefix, delimiter = call.query("prefix"), call.query("delimiter")
    after, token = call.query("start-after"), call.query("continuation-token")
    bucket = call.store.require(call.credential, Action.LIST, call.request.bucket, prefix.rstrip("/"))
    limit = min(call.number("max-keys", default=MOST_KEYS), MOST_KEYS)
    page = list_page(bucket, prefix=prefix, delimiter=delimiter, limit=limit, after=after, token=token)
    encoding = call.query("encoding-type") or None
    return xml_answer(
        s3_xml.document(
            "ListBucketResult",
            s3_xml.text("Name", bucket.name),
            s3_xml.text("Prefix", s3_xml.shown_key(prefix, encoding)),
            s3_xml.text("MaxKeys", limit),
            s3_xml.text("KeyCount", page.count),
            s3_xml.text("IsTruncated", str(page.token is not None).lower()),
            s3_xml.optional("Delimiter", delimiter or None),
            s3_xml.optional("EncodingType", encoding),
            s3_xml.optional("ContinuationToken", token or None),
            s3_xml.optional("NextContinuationToken", page.token),
            s3_xml.optional("StartAfter", s3_xml.shown_key(after, encoding) if after else None),
            *_page_elements(page, bucket.objects, encoding),
        )
    )


async def list_objects_as_before(call: S3Call) -> S3Answer:
    """One page of the first version of ListObjects, which boto3's bucket resource still asks for."""
    prefix, delimiter, marker = call.query("prefix"), call.query("delimiter"), call.query("marker")
    bucket = call.store.require(call.credential, Action.LIST, call.request.bucket, prefix.rstrip("/"))
    limit = min(call.number("max-keys", default=MOST_KEYS), MOST_KEYS)
    page = list_page(bucket, prefix=prefix, delimiter=delimiter, limit=limit, after=_behind_folder(marker, delimiter))
    encoding = call.query("encoding-type") or None
    last = max(page.keys[-1:] + page.prefixes[-1:], default="")
    return xml_answer(
        s3_xml.document(
            "ListBucketResult",
            s3_xml.text("Name", bucket.name),
            s3_xml.text("Prefix", s3_xml.shown_key(prefix, encoding)),
            s3_xml.text("Marker", s3_xml.shown_key(marker, encoding)),
            s3_xml.text("MaxKeys", limit),
            s3_xml.text("IsTruncated", str(page.token is not None).lower()),
            s3_xml.optional("Delimiter", delimiter or None),
            s3_xml.optional("EncodingType", encoding),
            s3_xml.optional("NextMarker", s3_xml.shown_key(last, encoding) if page.token else None),
            *_page_elements(page, bucket.objects, encoding),
        )
    )


async def delete_objects(call: S3Call) -> S3Answer:
    """Remove up to 1,000 objects; each is answered for on its own."""
    keys, is_quiet = s3_xml.parse_deletions(await call.body())
    if len(keys) > MOST_DELETIONS:
        raise S3Refusal("MalformedXML", "At most 1000 keys can be deleted in one request", 400)
    answers = [_deleted(call, key, is_quiet=is_quiet) for key in keys]
    return xml_answer(s3_xml.document("DeleteResult", *answers))


def _behind_folder(marker: str, delimiter: str) -> str:
    """A marker that is a rolled-up folder stands for everything in it."""
    return f"{marker}\U0010ffff" if delimiter and marker.endswith(delimiter) else marker


def _deleted(call: S3Call, key: str, *, is_quiet: bool) -> str:
    try:
        call.store.delete(call.request.bucket, key, by=call.credential)
    except S3Refusal as refusal:
        members = (s3_xml.text("Code", refusal.code), s3_xml.text("Message", refusal.message))
        return s3_xml.element("Error", s3_xml.text("Key", key), *members)
    return "" if is_quiet else s3_xml.element("Deleted", s3_xml.text("Key", key))


def _page_elements(page: Page, objects: dict[str, StoredObject], encoding: str | None) -> list[str]:
    keys = [_key_element(s3_xml.shown_key(key, encoding), objects[key]) for key in page.keys]
    prefixes = [
        s3_xml.element("CommonPrefixes", s3_xml.text("Prefix", s3_xml.shown_key(prefix, encoding)))
        for prefix in page.prefixes
    ]
    return keys + prefixes


def _key_element(key: str, stored: StoredObject) -> str:
    return s3_xml.element(
        "Contents",
        s3_xml.text("Key", key),
        s3_xml.text("LastModified", s3_xml.moment(stored.last_modified)),
        s3_xml.etag(stored.etag),
        s3_xml.text("Size", stored.size),
        s3_xml.text("StorageClass", stored.attributes.storage_class),
    )
