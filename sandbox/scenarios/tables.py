"""Tables with files in their cells."""

from sandbox.scenarios.builder import Builder
from sandbox.scenarios.facts import ScenarioFacts
from sandbox.synapse.entities import Entity
from sandbox.synapse.world import World


def build_tables(world: World, *, size: int, seed: int) -> ScenarioFacts:
    """Three tables with *size* rows together."""
    raise NotImplementedError


def add_image_table(builder: Builder, project: Entity, name: str, *, rows: int) -> Entity:
    """A table with a label, a number and two file columns."""
    raise NotImplementedError
