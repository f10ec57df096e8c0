"""The sample project plus everything awkward: other storage, no rights, no MD5, no bytes within reach."""

from sandbox.objects.contents import MemoryContent
from sandbox.objects.records import GIB, Attributes
from sandbox.scenarios.builder import Builder
from sandbox.scenarios.demo import fill_demo
from sandbox.scenarios.facts import ScenarioFacts, Trait
from sandbox.synapse.entities import Entity
from sandbox.synapse.handles import Handle, HandleKind
from sandbox.synapse.location_types import LocationClass
from sandbox.synapse.locations import Location
from sandbox.synapse.world import World

SECOND_BUCKET = "lab-inbox"
GOOGLE_BUCKET = "lab-google"
OBJECT_STORE_BUCKET = "institute-store"
ARCHIVED_BYTES = 300_000
_PROXY_SECRET = "an-example-secret-of-at-least-36-chars!!"  # noqa: S105 - a sample


def build_mixed(world: World, *, size: int, seed: int) -> ScenarioFacts:
    """The sample project with a folder of awkward files; *size* is not used."""
    del size
    builder = Builder(world, "mixed", seed)
    project = fill_demo(builder, "Tumour Atlas (mixed)")
    second = builder.external_location(SECOND_BUCKET, base_key="uploads")
    with builder.days_ago(60):
        awkward = builder.folder(project, "Awkward")
        _add_readable(builder, awkward, second)
        _add_unreachable(builder, awkward)
        _add_other_protocols(builder, awkward)
    return builder.facts(project, sources=(second,))


def _add_readable(builder: Builder, folder: Entity, second: Location) -> None:
    limit = builder.virtual_handle(5 * GIB + 1, "one_too_many.bam")
    builder.landmarks["above-limit"] = builder.file(folder, "one_too_many.bam", limit, trait=Trait.HUGE).id
    exact = builder.virtual_handle(5 * GIB, "exactly_five_gib.bam")
    builder.landmarks["at-limit"] = builder.file(folder, "exactly_five_gib.bam", exact).id
    inbox = builder.text_handle("from the other bucket\n", "inbox.txt", location=second)
    builder.landmarks["other-source"] = builder.file(folder, "inbox.txt", inbox, trait=Trait.OTHER_SOURCE).id
    legacy = builder.text_handle("named before there were rules\n", "übergröße & co.txt")
    builder.landmarks["legacy-name"] = builder.file(folder, "übergröße & co.txt", legacy, trait=Trait.LEGACY_NAME).id


def _add_unreachable(builder: Builder, folder: Entity) -> None:
    frozen = builder.object_handle(
        MemoryContent(bytes(ARCHIVED_BYTES)),
        "archived.dat",
        attributes=Attributes(storage_class="DEEP_ARCHIVE"),
        status="ARCHIVED",
    )
    builder.landmarks["archived"] = builder.file(folder, "archived.dat", frozen, trait=Trait.ARCHIVED).id
    unsummed = builder.object_handle(MemoryContent(b"nobody summed this up\n"), "no_md5.txt", md5=None)
    builder.landmarks["no-md5"] = builder.file(folder, "no_md5.txt", unsummed, trait=Trait.NO_MD5).id
    secret = builder.text_handle("only for the committee\n", "controlled.txt")
    controlled = builder.file(folder, "controlled.txt", secret, trait=Trait.NOT_DOWNLOADABLE)
    builder.world.access.restrict(controlled.id)
    builder.landmarks["not-downloadable"] = controlled.id


def _add_other_protocols(builder: Builder, folder: Entity) -> None:
    handles = {
        Trait.GOOGLE_CLOUD: _google(builder),
        Trait.OBJECT_STORE: _object_store(builder),
        Trait.PROXY: _proxy(builder),
    }
    for trait, handle in handles.items():
        builder.landmarks[trait.value] = builder.file(folder, handle.file_name or "", handle, trait=trait).id


def _google(builder: Builder) -> Handle:
    """Its bytes are in the sandbox's store too, so that presigned addresses work."""
    builder.world.objects.create_bucket(GOOGLE_BUCKET)
    builder.world.objects.put(GOOGLE_BUCKET, "owner.txt", builder.steward.name.encode())
    location = builder.location(LocationClass.GOOGLE_CLOUD, bucket=GOOGLE_BUCKET)
    return builder.object_handle(
        MemoryContent(b"kept at Google\n"), "from_google.txt", location=location, kind=HandleKind.GOOGLE_CLOUD
    )


def _object_store(builder: Builder) -> Handle:
    builder.world.objects.create_bucket(OBJECT_STORE_BUCKET).readable_by_synapse = False
    location = builder.location(
        LocationClass.OBJECT_STORE,
        bucket=OBJECT_STORE_BUCKET,
        endpointUrl=builder.world.objects.endpoint_url,
        uploadType="S3",
    )
    content = MemoryContent(b"kept at the institute\n")
    stored = builder.world.objects.put(OBJECT_STORE_BUCKET, "2024/from_store.txt", content)
    return builder.world.handles.add(
        builder.world,
        kind=HandleKind.OBJECT_STORE,
        created_by=builder.colleague.id,
        file_name="from_store.txt",
        content_type="text/plain",
        content_md5=stored.etag,
        content_size=stored.size,
        storage_location_id=location.id,
        endpoint_url=builder.world.objects.endpoint_url,
        bucket=OBJECT_STORE_BUCKET,
        key="2024/from_store.txt",
    )


def _proxy(builder: Builder) -> Handle:
    location = builder.location(
        LocationClass.PROXY, proxyUrl="https://127.0.0.1:8443/", secretKey=_PROXY_SECRET, uploadType="PROXYLOCAL"
    )
    content = MemoryContent(b"kept behind a proxy\n")
    return builder.world.handles.add(
        builder.world,
        kind=HandleKind.PROXY,
        created_by=builder.colleague.id,
        file_name="from_proxy.txt",
        content_type="text/plain",
        content_md5=content.whole_digest(),
        content_size=content.size,
        storage_location_id=location.id,
        file_path="study/from_proxy.txt",
    )
