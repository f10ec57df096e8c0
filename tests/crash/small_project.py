"""A project as small as one can be that still holds every kind of place: hundreds of its migrations are fast."""

from sandbox.objects.records import GIB
from sandbox.scenarios.builder import Builder
from sandbox.scenarios.facts import ScenarioFacts, Trait
from sandbox.scenarios.tables import add_consent_table, add_image_table
from sandbox.synapse.handles import HandleKind
from sandbox.synapse.world import World

LARGE_BYTES = 6 * GIB


def build_small_project(
    world: World, *, with_large: bool = True, with_tables: bool = False, with_own: bool = False
) -> ScenarioFacts:
    """Seven files: shared handles, histories, one file of several parts, one that is there already, one elsewhere.

    And two tables when wanted: one with two columns of files, one in a folder, whose one cell shares a file's handle.
    And a file in a bucket of the steward's own, which the engine `s3` copies.
    """
    builder = Builder(world, "small", seed=0)
    with builder.days_ago(30):
        project = builder.project("Small project")
        data = builder.folder(project, "Data")
        builder.landmarks["folder"] = data.id
        shared = builder.text_handle("used by two files\n", "shared.txt")
        builder.landmarks["first"] = builder.file(data, "shared.txt", shared).id
        builder.landmarks["second"] = builder.file(project, "shared (again).txt", shared).id
        first, second = (builder.text_handle(f"protocol {number}\n", "protocol.txt") for number in (1, 2))
        protocol = builder.file(data, "protocol.txt", first, annotations={"site": ("STRING", ("Bergen", "Kyoto"))})
        builder.version(protocol, second, comment="another centrifuge", label="spring")
        builder.version(protocol, first, comment="back to the old one")
        builder.landmarks["history"] = protocol.id
        activity = builder.activity("Summarise", protocol)
        summary = builder.text_handle("a,b\n1,2\n", "summary.csv")
        told = builder.file(data, "summary.csv", summary, activity_id=activity, description="Table 1")
        builder.landmarks["provenance"] = told.id
        # what somebody has uploaded and not put anywhere yet: the summary once more, and another one
        builder.landmarks["spare-same"] = builder.text_handle("a,b\n1,2\n", "summary.csv").id
        builder.landmarks["spare-other"] = builder.text_handle("a,b\n3,4\n", "summary.csv").id
        if with_large:
            large = builder.virtual_handle(LARGE_BYTES, "genome.bam")
            builder.landmarks["large"] = builder.file(data, "genome.bam", large, trait=Trait.HUGE).id
        if with_own:
            own = builder.external_location("lab-inbox", base_key="uploads")
            inbox = builder.text_handle("from a bucket of our own\n", "inbox.txt", location=own)
            builder.landmarks["own"] = builder.file(data, "inbox.txt", inbox).id
        if with_tables:
            # another file's handle in a cell, a report that rows share, a cell at the destination, an empty row
            slides = add_image_table(builder, project, "Slides", rows=5, shared=shared)
            consents = add_consent_table(builder, data, "Consents", consent=summary, rows=2)
            builder.landmarks |= {"slides": slides.id, "consents": consents.id}
        there = builder.text_handle("was uploaded to the archive\n", "there.txt", location=builder.destination)
        builder.file(project, "there.txt", there, trait=Trait.AT_DESTINATION)
        external = world.handles.add(
            world,
            kind=HandleKind.EXTERNAL,
            created_by=builder.colleague.id,
            file_name="panel.html",
            content_type="text/html",
            external_url="https://www.example.org/panel.html",
        )
        builder.file(project, "panel", external, trait=Trait.EXTERNAL_URL)
    return builder.facts(project)


def build_mixed_project(world: World) -> ScenarioFacts:
    """The small project with everything: the large file, and tables whose cells hold files."""
    return build_small_project(world, with_tables=True)


def build_project_for_two_engines(world: World) -> ScenarioFacts:
    """The mixed project, and a file for the engine `s3`; the others are for the engine `synapse`."""
    return build_small_project(world, with_tables=True, with_own=True)


def build_files_for_a_view(world: World) -> ScenarioFacts:
    """As few files as are worth a view; all but two are at the destination, so that little is copied."""
    builder = Builder(world, "views", seed=0)
    with builder.days_ago(50):
        project = builder.project("Read through a view")
        folder = builder.folder(project, "files")
        there = builder.text_handle("was there before\n", "there.txt", location=builder.destination)
        for number in range(24):
            builder.file(folder, f"there {number}.txt", there, trait=Trait.AT_DESTINATION)
        for name in ("one.txt", "two.txt"):
            builder.file(folder, name, builder.text_handle(f"to be moved: {name}\n", name))
        return builder.facts(project)
