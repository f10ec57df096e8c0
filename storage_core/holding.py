"""Counting, for a whole index, what its migration leaves behind: wikis and previews; kept in the journal."""

from dataclasses import dataclass
from pathlib import Path

from storage_core.config import Config
from storage_core.index.opening import open_index
from storage_core.model.holders import Held
from storage_core.plan.holding import COUNTED_EVENT, HELD_EVENT, counted_text, held_by, held_text
from storage_core.steps.holding import previews_of, wikis_of
from storage_core.synapse.wiki_catalog import SynapseWikiCatalog
from storage_core.wiring.migration import connected


@dataclass(frozen=True, slots=True, kw_only=True)
class Holders:
    """What was found: by kind of holder and storage location, what was looked at in words, and the calls it took."""

    held: tuple[Held, ...]
    told: str
    calls: int


def count_holders(config: Config, index: Path) -> Holders:
    """Look for wikis of every container and previews of every old handle. Changes nothing in Synapse.

    One call per project and folder, one per wiki page, one per hundred old handles. All is kept in one transaction at
    the end: a run that was killed has counted nothing.

    Raises:
        UsageError, IndexUnusable, IndexInUse: see `index.opening.open_index`.
    """
    with open_index(index, None, create=False) as ledger, connected(config) as remote:
        wikis = remote.network.run(wikis_of(ledger.containers(), SynapseWikiCatalog(remote.transport)))
        previews = remote.network.run(previews_of(ledger.old_handles(), remote.catalog))
        held, told = held_by(wikis, previews), counted_text(wikis, previews)
        ledger.note_together([(COUNTED_EVENT, told), *((HELD_EVENT, held_text(one)) for one in held)])
        return Holders(held=held, told=told, calls=remote.calls.total)
