"""All engines behind one port: each copy goes to the engine that was chosen for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from storage_core.model.copies import Copied, CopyFailed, CopyRequest, EngineName
from storage_core.model.engines import EngineCapabilities
from storage_core.model.items import ReasonCode
from storage_core.ports.copying import CopyEngine


class ChosenEngines:
    """Implements `ports.copying.CopyEngine`."""

    def __init__(
        self,
        engines: Mapping[EngineName, CopyEngine],
        *,
        capabilities: Sequence[EngineCapabilities],
        when_denied: EngineName | None = None,
    ) -> None:
        """Hold all engines.

        Args:
            capabilities: what each can read, and whether it works with keys of the user's own.
            when_denied: goes on with a copy that the user's own keys turn out not to be allowed to make; None leaves
                it failed, with its reason.
        """
        self._engines = engines
        self._capabilities = {one.name: one for one in capabilities}
        self._when_denied = when_denied

    async def copy(self, request: CopyRequest) -> Copied | CopyFailed:
        """See `ports.copying.CopyEngine`. Copies for which nobody was chosen are of releases with a single engine."""
        name = request.engine or EngineName.SYNAPSE
        if request.source.kind not in self._capabilities[name].reads:
            return CopyFailed(
                copy_id=request.copy_id,
                source=request.source.id,
                reason=ReasonCode.NO_ENGINE,
                detail=f"Engine {name} does not read files of kind {request.source.kind}; --engine auto or relay may.",
            )
        outcome = await self._engine(request.engine).copy(request)
        if not isinstance(outcome, CopyFailed) or outcome.reason is not ReasonCode.NO_KEY_ACCESS:
            return outcome
        if self._when_denied is None or not self._capabilities[name].needs_keys:
            return outcome
        other = replace(request, engine=self._when_denied, part_size_bytes=None)
        second = await self._engine(self._when_denied).copy(other)
        if isinstance(second, CopyFailed):
            return replace(second, detail=f"{second.detail} Before that, engine {request.engine}: {outcome.detail}")
        return second

    async def disown(self, request: CopyRequest) -> None:
        """See `ports.copying.CopyEngine`."""
        await self._engine(request.engine).disown(request)

    def _engine(self, name: EngineName | None) -> CopyEngine:
        return self._engines[name or EngineName.SYNAPSE]
