"""Ready-made worlds to try things on; each comes with a record of what was put into it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.scenarios.builder import Builder
from sandbox.scenarios.demo import build_demo
from sandbox.scenarios.facts import (
    Expectation,
    ExpectedCell,
    ExpectedVersion,
    ScenarioFacts,
    Trait,
)
from sandbox.scenarios.many import build_flat, build_versions
from sandbox.scenarios.mixed import build_mixed
from sandbox.scenarios.sts import build_sts
from sandbox.scenarios.tables import build_tables
from sandbox.synapse.world import World

__all__ = [
    "SCENARIOS",
    "Expectation",
    "ExpectedCell",
    "ExpectedVersion",
    "Scenario",
    "ScenarioFacts",
    "Trait",
    "build",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One kind of world.

    Attributes:
        purpose: one sentence for people who choose.
        default_size: how many files (or rows) when nobody says; 0 where it does not matter.
        fill: builds it into an empty world.
    """

    name: str
    purpose: str
    default_size: int
    fill: Callable[..., ScenarioFacts]


def _build_empty(world: World, *, size: int, seed: int) -> ScenarioFacts:
    del size
    builder = Builder(world, "empty", seed)
    return builder.facts(builder.project("Empty project"))


_ALL = (
    Scenario(name="empty", purpose="A project without content.", default_size=0, fill=_build_empty),
    Scenario(name="demo", purpose="A small project like real ones.", default_size=0, fill=build_demo),
    Scenario(name="mixed", purpose="The demo and everything awkward.", default_size=0, fill=build_mixed),
    Scenario(name="flat", purpose="Many declared files in few folders.", default_size=10_000, fill=build_flat),
    Scenario(name="versions", purpose="Files with long histories.", default_size=200, fill=build_versions),
    Scenario(name="tables", purpose="Tables with files in thousands of cells.", default_size=3_000, fill=build_tables),
    Scenario(name="sts", purpose="A folder with temporary credentials.", default_size=6, fill=build_sts),
)
SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ALL}


def build(world: World, name: str, *, size: int | None = None, seed: int = 0) -> ScenarioFacts:
    """Fill an empty world; raises ValueError for a name that is not in `SCENARIOS`."""
    scenario = SCENARIOS.get(name)
    if scenario is None:
        raise ValueError(f"there is no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    return scenario.fill(world, size=scenario.default_size if size is None else size, seed=seed)
