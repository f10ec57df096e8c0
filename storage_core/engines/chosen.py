"""All engines behind one port: each copy goes to the engine that was chosen for it."""

from collections.abc import Mapping
from dataclasses import replace

from storage_core.model.copies import Copied, CopyFailed, CopyRequest, EngineName
from storage_core.model.items import ReasonCode
from storage_core.ports import CopyEngine


class ChosenEngines:
    """Implements `ports.CopyEngine`."""

    def __init__(self, engines: Mapping[EngineName, CopyEngine], *, when_denied: EngineName | None = None) -> None:
        """Hold all engines.

        Args:
            when_denied: goes on with a copy that the user's own keys turn out not to be allowed to make; None leaves
                it failed, with its reason.
        """
        self._engines = engines
        self._when_denied = when_denied

    async def copy(self, request: CopyRequest) -> Copied | CopyFailed:
        """See `ports.CopyEngine`. Copies for which nobody was chosen are those of releases with a single engine."""
        outcome = await self._engine(request.engine).copy(request)
        if not isinstance(outcome, CopyFailed) or outcome.reason is not ReasonCode.NO_KEY_ACCESS:
            return outcome
        if self._when_denied is None or self._when_denied is request.engine:
            return outcome
        other = replace(request, engine=self._when_denied, part_size_bytes=None)
        second = await self._engine(self._when_denied).copy(other)
        if isinstance(second, CopyFailed):
            return replace(second, detail=f"{second.detail} Before that, engine {request.engine}: {outcome.detail}")
        return second

    async def disown(self, request: CopyRequest) -> None:
        """See `ports.CopyEngine`."""
        await self._engine(request.engine).disown(request)

    def _engine(self, name: EngineName | None) -> CopyEngine:
        return self._engines[name or EngineName.SYNAPSE]
