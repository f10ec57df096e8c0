"""The sample project: small enough to look at, with everything in it that a real project has."""

from sandbox.objects.contents import MemoryContent
from sandbox.scenarios.builder import Builder
from sandbox.scenarios.facts import Annotations, ScenarioFacts, Trait
from sandbox.scenarios.tables import add_image_table
from sandbox.synapse.entities import Entity
from sandbox.synapse.handles import Handle, HandleKind
from sandbox.synapse.kinds import Kind
from sandbox.synapse.world import World

GENOME_BYTES = 30 * 10**9
_SITES = ("Amsterdam", "Bergen", "Kyoto")


def build_demo(world: World, *, size: int, seed: int) -> ScenarioFacts:
    """About forty entities; *size* is not used."""
    del size
    builder = Builder(world, "demo", seed)
    return builder.facts(fill_demo(builder, "Tumour Atlas (sample)"))


def fill_demo(builder: Builder, project_name: str) -> Entity:
    """The sample project itself; returns its root."""
    with builder.days_ago(900):
        project = builder.project(project_name)
        readme = builder.file(project, "README.md", builder.text_handle("# Tumour Atlas\n", "README.md"))
        builder.landmarks["readme"] = readme.id
        raw = builder.folder(project, "Raw data")
        _add_sites(builder, raw)
    with builder.days_ago(700):
        _add_genome(builder, raw)
        _add_results(builder, project, readme)
    with builder.days_ago(400):
        _add_odd_files(builder, project)
        _add_migrated_files(builder, project)
    with builder.days_ago(120):
        shared = builder.world.handles.require(builder.landmarks["shared-handle"])
        table = add_image_table(builder, project, "Scanned slides", rows=6, shared=shared)
        builder.landmarks["table"] = table.id
    return project


def _add_sites(builder: Builder, raw: Entity) -> None:
    """Three sites with samples, two levels down, and names outside ASCII."""
    for site in _SITES:
        folder = builder.folder(raw, site)
        for number in range(1, 5):
            name = f"{site.lower()}_sample_{number:02d}.tsv"
            rows = "".join(f"{site}\t{number}\t{builder.random.random():.6f}\n" for _ in range(number * 5))
            builder.file(folder, name, builder.text_handle(rows, name), annotations=_sample(site, number))
    deep = builder.folder(builder.folder(raw, "Größe und Gewicht"), "Séries complètes")
    builder.file(deep, "Messwerte, Serie 1.csv", builder.text_handle("größe;gewicht\n1,7;63\n", "Größen.csv"))
    builder.file(deep, "measurements (translated).txt", builder.text_handle("測定値 1.7 63\n", "測定値.txt"))


def _sample(site: str, number: int) -> Annotations:
    return {
        "site": ("STRING", (site,)),
        "sampleNumber": ("LONG", (str(number),)),
        "concentration": ("DOUBLE", (f"{number * 1.5}",)),
        "tags": ("STRING", ("tumour", "größe", "原発")),
    }


def _add_genome(builder: Builder, raw: Entity) -> None:
    """One file that nobody wants to download."""
    handle = builder.virtual_handle(GENOME_BYTES, "whole_genome.bam")
    genome = builder.file(
        raw, "whole_genome.bam", handle, trait=Trait.HUGE, annotations={"assay": ("STRING", ("WGS",))}
    )
    builder.landmarks["genome"] = genome.id


def _add_results(builder: Builder, project: Entity, readme: Entity) -> None:
    """Files with history, provenance, and handles that several of them share."""
    results = builder.folder(project, "Results")
    figures = builder.folder(results, "Figures")
    clinical = builder.file(results, "clinical.csv", builder.text_handle("id,age\n1,50\n", "clinical.csv"))
    for number in range(2, 5):
        rows = "".join(f"{row},{50 + row}\n" for row in range(1, number + 1))
        handle = builder.text_handle("id,age\n" + rows, "clinical.csv")
        builder.version(clinical, handle, comment=f"{number} patients", label=f"release {number}")
    builder.landmarks["history"] = clinical.id
    _add_shared(builder, results)
    activity_id = builder.activity("Draw the survival curve", clinical, readme)
    curve = builder.text_handle("<svg><path d='M0 0L9 9'/></svg>", "survival.svg")
    figure = builder.file(
        figures, "survival.svg", curve, activity_id=activity_id, description="Survival by site, figure 2"
    )
    builder.landmarks["provenance"] = figure.id
    target = {"targetId": clinical.id, "targetVersionNumber": 2}
    fields = {"linksTo": target, "linksToClassName": Kind.FILE.concrete_type}
    builder.landmarks["link"] = builder.entity(Kind.LINK, figures, "clinical data (link)", fields=fields).id
    for number in range(1, 4):
        panel = builder.text_handle(f"<svg><text>panel {number}</text></svg>", f"panel_{number}.svg")
        builder.file(figures, f"panel_{number}.svg", panel)


def _add_shared(builder: Builder, results: Entity) -> None:
    """One handle in two files, and one in two versions of a file."""
    consent = builder.text_handle("Consent text, version of 2021\n", "consent.txt")
    builder.landmarks["shared-handle"] = consent.id
    builder.file(results, "consent.txt", consent)
    builder.file(results, "consent (copy).txt", consent)
    first, second = (builder.text_handle(f"protocol {number}\n", "protocol.txt") for number in (1, 2))
    protocol = builder.file(results, "protocol.txt", first)
    builder.version(protocol, second, comment="new centrifuge")
    builder.version(protocol, first, comment="back to the old one")
    builder.landmarks["shared-between-versions"] = protocol.id


def _add_odd_files(builder: Builder, project: Entity) -> None:
    """What cannot be copied."""
    misc = builder.folder(project, "Miscellaneous")
    builder.file(misc, "empty.log", builder.object_handle(MemoryContent(b""), "empty.log"), trait=Trait.EMPTY)
    builder.file(misc, "reference panel", _external(builder), trait=Trait.EXTERNAL_URL)
    old = builder.object_handle(MemoryContent(b"before there were locations\n"), "old notes.txt", location_id=None)
    builder.file(misc, "O'Brien's old notes +1.txt", old)


def _external(builder: Builder) -> Handle:
    return builder.world.handles.add(
        builder.world,
        kind=HandleKind.EXTERNAL,
        created_by=builder.colleague.id,
        file_name="panel.html",
        content_type="text/html",
        external_url="https://www.example.org/reference/panel.html",
    )


def _add_migrated_files(builder: Builder, project: Entity) -> None:
    """Files that are where they should go already."""
    folder = builder.folder(project, "Already archived")
    for number in range(1, 3):
        name = f"archived_{number}.txt"
        handle = builder.text_handle(f"was uploaded to the archive, {number}\n", name, location=builder.destination)
        builder.file(folder, name, handle, trait=Trait.AT_DESTINATION)
