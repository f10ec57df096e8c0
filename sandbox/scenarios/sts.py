"""A folder whose bucket is handed out with temporary credentials (contract 3.2, 5)."""

from sandbox.scenarios.builder import Builder
from sandbox.scenarios.facts import ScenarioFacts, Trait
from sandbox.synapse.world import World

STS_BUCKET = "lab-sts"
STS_BASE_KEY = "shared/cohort"


def build_sts(world: World, *, size: int, seed: int) -> ScenarioFacts:
    """*size* files in an STS folder, and one ordinary file beside it."""
    builder = Builder(world, "sts", seed)
    location = builder.external_location(STS_BUCKET, base_key=STS_BASE_KEY, sts_enabled=True)
    with builder.days_ago(90):
        project = builder.project("Cohort with direct access")
        folder = builder.folder(project, "Direct access")
        world.settings.put(world, folder.id, (location.id,))
        inner = builder.folder(folder, "Visits")
        for number in range(1, size + 1):
            name = f"visit_{number:03d}.csv"
            handle = builder.text_handle(f"visit,{number}\n", name, location=location)
            builder.file(inner if number % 2 else folder, name, handle, trait=Trait.STS)
        builder.file(project, "README.md", builder.text_handle("# Cohort\n", "README.md"))
    builder.landmarks["sts-folder"] = folder.id
    builder.landmarks["sts-inner-folder"] = inner.id
    return builder.facts(project, sources=(location,))
