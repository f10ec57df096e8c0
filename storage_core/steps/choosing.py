"""Who makes which copies: tries what the user's own keys reach, then has `plan.engine_choice` decide."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from storage_core.errors import AccessError
from storage_core.model.copies import PartPlan
from storage_core.model.destinations import LocationKind
from storage_core.model.engines import CopySource, EngineCapabilities, KeyCheck
from storage_core.model.handles import FileHandle
from storage_core.model.settings import EngineOption
from storage_core.plan.engine_choice import EngineChooser, Reach, flows_through_here, needs_keys, samples_to_try
from storage_core.plan.parts import RestOfRun, timely_parts
from storage_core.ports.copying import OwnKeys
from storage_core.ports.transfers import OwnLogins


@dataclass(slots=True, kw_only=True)
class Engines:
    """The engines of a run, and what is known of the keys that some need; each place is tried once per run."""

    capabilities: Sequence[EngineCapabilities]
    option: EngineOption
    keys: OwnKeys
    logins: OwnLogins
    streams: int
    part_bytes_per_second: Callable[[], float]
    _destination: KeyCheck | None = None
    _sources: dict[str, KeyCheck] = field(default_factory=dict)

    async def check(self, destination: LocationKind) -> None:
        """Refuse, before anything is looked into, what cannot work: an engine that was asked for and cannot write.

        Raises:
            UsageError: it cannot write to a location of this kind.
            AccessError: it needs the user's own keys or login, and these may not.
            TransferFailed: the destination is outside Synapse, and is not there or does not answer.
        """
        if flows_through_here(self.capabilities, option=self.option, destination=destination):
            await self.logins.sign_in()
        if not needs_keys(self.capabilities, option=self.option, destination=destination):
            return
        may_write = await self._may_write()
        if not may_write.is_allowed:
            raise AccessError(
                f"Your AWS keys may not write to the destination: {may_write.detail}.",
                fix="Use keys that may (--aws-profile, or the environment), or leave --engine away.",
            )

    async def chooser(
        self, sources: Sequence[CopySource], destination: LocationKind, rest: RestOfRun | None = None
    ) -> EngineChooser:
        """Whoever decides for these copies; asks S3 about buckets it has not asked about yet, and no Synapse call.

        Copies have the fewest parts where nothing is known of the *rest* of the run.
        """
        samples = samples_to_try(self.capabilities, sources, option=self.option, destination=destination)
        if samples:
            await self._try(samples)
        return EngineChooser(
            self.capabilities,
            option=self.option,
            destination=destination,
            reach=self._reach(),
            streams=self.streams,
            timely=None if rest is None else partial(self._timely, rest),
        )

    def _timely(self, rest: RestOfRun, size_bytes: int) -> PartPlan:
        speed = self.part_bytes_per_second()
        return timely_parts(size_bytes, rest, bytes_per_second=speed, streams=self.streams)

    async def _try(self, samples: Sequence[FileHandle]) -> None:
        may_write = await self._may_write()
        for sample in samples:
            bucket = sample.bucket or ""
            if may_write.is_allowed and bucket not in self._sources:
                self._sources[bucket] = await self.keys.may_read(sample)

    async def _may_write(self) -> KeyCheck:
        if self._destination is None:
            self._destination = await self.keys.may_write()
        return self._destination

    def _reach(self) -> Reach:
        if self._destination is None:
            return Reach()
        return Reach(destination=self._destination, sources=dict(self._sources))
