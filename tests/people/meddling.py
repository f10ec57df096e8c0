"""Other people, and the moments at which they change something under a running migration."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from sandbox.scenarios.facts import ScenarioFacts
from sandbox.server import Sandbox
from storage_core.config import Config, load_config
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.settings import FileVersionStrategy, MigrationSettings, RunOptions
from storage_core.steps.driving import Phase, QuietWatch
from storage_core.steps.migration import RunOutcome
from storage_core.wiring.migration import opened
from tests.crash.lab import items_of
from tests.crash.small_project import build_small_project
from tests.migration.harness import snapshot


@dataclass(frozen=True, slots=True)
class Meeting:
    """A sandbox with the small project, seen by the person who changes it."""

    sandbox: Sandbox
    facts: ScenarioFacts
    folder: Path
    has_tables: bool = False

    @property
    def target(self) -> str:
        """The file that is changed; nobody shares its handle."""
        return self.facts.landmarks["provenance"]

    def config(self) -> Config:
        """How the migration reaches the sandbox."""
        more = {"SYNAPSE_STATE_FOLDER": str(self.folder / "state"), "SYNAPSE_CALLS_PER_MINUTE": "60000"}
        return load_config({**self.sandbox.environment(), **more})

    def settings(self, strategy: str) -> MigrationSettings:
        """What is to be migrated."""
        return MigrationSettings(
            roots=(EntityId(self.facts.root_id),),
            destination=StorageLocationId(self.facts.destination_id),
            strategy=FileVersionStrategy(strategy),
            include_tables=self.has_tables,
        )

    def migrate(self, strategy: str, index: Path, watch: QuietWatch | None = None) -> RunOutcome:
        """The whole migration in this process, watched."""
        options = RunOptions(continue_on_error=True)
        with opened(self.config(), index, self.settings(strategy), options=options, watch=watch) as app:
            return app.migration.run(lambda plan: "the tests")

    def state(self) -> Any:
        """The whole world, as it is now."""
        return snapshot(self.sandbox)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the colleague's; it must succeed."""
        return self.ask_as(self.sandbox.world.principals.colleague_token, method, path, body)

    def ask_as(self, token: str, method: str, path: str, body: Any = None) -> Any:
        """A call of whoever has this token; it must succeed."""
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.request(method, self.sandbox.url + path, json=body, headers=headers, timeout=30)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def change(self, *, new_version: bool = False, **fields: Any) -> None:
        """The colleague reads the target, changes fields and stores it."""
        entity = self.ask("GET", f"/repo/v1/entity/{self.target}")
        more = "?newVersion=true" if new_version else ""
        self.ask("PUT", f"/repo/v1/entity/{self.target}{more}", {**entity, **fields})

    def leave_the_steward(self, *rights: str) -> None:
        """Give the target an access list of its own, on which the migrating person has these rights only."""
        self.leave_the_steward_at(self.target, *rights)

    def leave_the_steward_at(self, entity_id: str, *rights: str) -> None:
        """Give an entity an access list of its own, on which the migrating person has these rights only."""
        world = self.sandbox.world
        steward, colleague = int(world.principals.demo.id), int(world.principals.colleague.id)
        everything = frozenset({"READ", "DOWNLOAD", "CREATE", "UPDATE", "DELETE", "CHANGE_PERMISSIONS"})
        mine = {steward: frozenset(rights)} if rights else {}
        world.access.put(world, entity_id, {colleague: everything, **mine})


def meet(sandbox: Sandbox, folder: Path, *, has_tables: bool = False) -> Meeting:
    """Build the small project in an empty sandbox; with its tables when they are to be migrated."""
    return Meeting(sandbox, build_small_project(sandbox.world, with_tables=has_tables), folder, has_tables)


@dataclass
class Meddler(QuietWatch):
    """Watches a migration, and lets somebody act as a certain phase begins.

    Attributes:
        after: another phase that must have begun before; files are read back before cells are written.
        begun: the phases that had something to do, in their order.
        left: the world as the meddler left it.
    """

    meeting: Meeting
    act: Callable[[Meeting], None]
    at_phase: str | None
    after: str | None = None
    begun: list[str] = field(default_factory=list)
    left: Any = None

    def began(self, phase: Phase[Any]) -> None:
        """A phase begins: nothing of it has been asked for yet."""
        if phase.name not in self.begun:
            self.begun.append(phase.name)
        if self.left is None and phase.name == self.at_phase and self.after in {None, *self.begun}:
            self.act(self.meeting)
            self.left = self.meeting.state()


@dataclass(frozen=True, slots=True)
class Told:
    """What the index says of one place."""

    version: int | None
    status: str
    reason: str | None
    new_version: int | None


def told_of(index: Path, entity_id: str) -> list[Told]:
    """What the index says of an entity."""
    return [
        Told(version, status, reason, new_version)
        for entity, _, version, _, _, status, reason, _, new_version in items_of(index)
        if entity == entity_id
    ]
