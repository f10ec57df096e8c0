"""One migration from end to end, over ports. The command line, the API and the flows all drive this class."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from storage_core.errors import ExitCode, NotConfirmed
from storage_core.model.copies import EngineName
from storage_core.model.engines import CopySource
from storage_core.model.plans import Plan, StatusCount, WorkAhead
from storage_core.model.prices import Prices
from storage_core.model.tallies import Tally
from storage_core.plan.engine_choice import EngineChooser
from storage_core.plan.estimating import Speeds, make_plan, rest_of_run
from storage_core.plan.outcomes import Ending, FailureLimit, exit_code
from storage_core.plan.parts import RestOfRun
from storage_core.plan.preflight import PreflightFacts, findings, unknown_provenance
from storage_core.plan.pricing import costs_of
from storage_core.plan.viewing import check_options
from storage_core.steps.choosing import Engines
from storage_core.steps.driving import Line
from storage_core.steps.phases import (
    DESCRIBE,
    DESCRIBE_BY_VIEW,
    DESCRIBE_TABLES,
    FIND_BY_VIEW,
    LIST_COUNTED,
    WALK,
    migrating,
)
from storage_core.steps.preflight import preflight
from storage_core.steps.protecting import Protector
from storage_core.steps.surroundings import Surroundings
from storage_core.steps.viewing import FileViews


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """What a run came to."""

    exit_code: ExitCode
    ending: Ending
    counts: tuple[StatusCount, ...]
    tally: Tally


class Migration:
    """Index, plan, confirm, migrate; each step can be repeated and goes on where it was.

    Not thread-safe: it lives on the thread that opened the index.
    """

    def __init__(
        self,
        around: Surroundings,
        *,
        limit: FailureLimit,
        speeds: Speeds,
        prices: Prices,
        engines: Engines,
        protector: Protector,
        protects: bool = False,
    ) -> None:
        self._around = around
        self._ledger = around.ledger
        self._services = around.services
        self._network = around.network
        self._watch = around.limited(limit)
        self._speeds = speeds
        self._prices = prices
        self._engines = engines
        self._protector = protector
        self._protects = protects
        self._views = FileViews(around.ledger, around.services, around.network, around.watch.remark)
        self._facts: PreflightFacts | None = None

    def prepare(self) -> PreflightFacts:
        """Check that the migration can work (see `preflight`, `Engines.check`); asks Synapse once per run.

        Takes back what an earlier run, broken off, has left in Synapse: its temporary file view, and the protection of
        containers. Where the run is to protect them, it also checks that it may.
        """
        if self._facts is None:
            self._facts = self._network.run(preflight(self._services.settings, self._services.catalog))
            self._services.destination.learn(self._facts.destination, self._facts.user.id)
            self._network.run(self._engines.check(self._facts.destination.kind))
            self._remember(self._facts)
            self._views.delete_left_over()
            self._protector.lift_if_possible()
            if self._protects:
                self._protector.check(self._facts.roots)
        return self._facts

    def index(self, *, refresh: bool = False) -> RunOutcome:
        """Fill the index; goes on where an earlier call ended.

        Changes nothing in Synapse, except that a temporary view comes and goes when one is asked for.

        Args:
            refresh: when everything was looked at before, look again at what may have changed.

        Raises:
            UsageError: the options contradict each other, or the view to be used is not fit for it.
        """
        check_options(self._services.indexing)
        facts = self.prepare()
        self._views.check(facts.roots)
        if refresh and self._has_looked_everywhere():
            self._ledger.reopen_for_reindex()
        self._ledger.add_roots([root.header for root in facts.roots])
        if self._services.indexing.asks_provenance and (refresh or not self._ledger.is_indexed()):
            self._ledger.reopen_unknown_provenance()
        with closing(self._indexing(facts)) as lines:
            outcome = self._run(lines, "indexing")
        if outcome.ending is Ending.COMPLETE:
            self._ledger.finish_indexing()
        return self._told(outcome)

    def plan(self) -> Plan:
        """What is still to be done, by whom, and what it will cost."""
        ahead, sources = self._ahead(), self._ledger.copy_sources()
        plan = make_plan(
            settings=self._ledger.settings,
            ahead=ahead,
            engine=self._engines.option,
            shares=self._chooser(sources).shares(sources),
            counts=self._ledger.counts(),
            findings=(
                *findings(self.prepare(), self._ledger.settings),
                *unknown_provenance(self._ledger.unknown_provenance()),
            ),
            speeds=self._speeds,
        )
        outside = sum(share.size_bytes for share in plan.shares if share.engine is not EngineName.SYNAPSE)
        return replace(plan, costs=costs_of(ahead, self._prices, outside_bytes=outside))

    def confirm(self, plan_hash: str, *, by: str) -> None:
        """Note that somebody agreed to the plan with this hash.

        Raises:
            NotConfirmed: the plan has changed since it was shown.
        """
        current = self.plan().hash
        if plan_hash != current:
            raise NotConfirmed(
                f"The plan has changed: you confirmed {plan_hash}, it is {current} now.",
                fix="Look at the plan again and confirm that one.",
            )
        self._ledger.confirm(plan_hash, by=by)

    def run(self, agree: Callable[[Plan], str], *, refresh: bool = False) -> RunOutcome:
        """Index, plan, have the plan agreed to, migrate: the whole life, from wherever an earlier run ended.

        Args:
            agree: shows the plan and returns who agreed to it. It raises NotConfirmed when nobody does; it is not
                asked when nothing is left to do.
            refresh: see `index`.
        """
        indexed = self.index(refresh=refresh)
        if indexed.ending is not Ending.COMPLETE:
            return indexed
        plan = self.plan()
        if plan.is_empty:
            return self.standing()
        self.confirm(plan.hash, by=agree(plan))
        return self.migrate()

    def standing(self) -> RunOutcome:
        """How things stand, without doing anything."""
        counts = self._ledger.counts()
        return RunOutcome(
            exit_code=exit_code(counts, Ending.COMPLETE), ending=Ending.COMPLETE, counts=counts, tally=Tally()
        )

    def migrate(self) -> RunOutcome:
        """Copy, prove, repoint and read back all that is pending.

        Raises:
            NotConfirmed: nobody has agreed to the plan as it is now.
        """
        current = self.plan()
        if self._ledger.confirmed_plan() != current.hash:
            raise NotConfirmed(f"Nobody has confirmed plan {current.hash}.", fix="Show the plan and confirm it first.")
        chooser = self._chooser(self._ledger.copy_sources(), rest_of_run(current, self._speeds))
        phases = migrating(table_snapshots=self._services.table_snapshots, choose=chooser.choice)
        with self._protected():
            outcome = self._run(phases, "migrating")
        return self._told(outcome)

    @contextmanager
    def _protected(self) -> Iterator[None]:
        """Others may only look meanwhile, if that was asked for; whatever happens, it is taken back."""
        try:
            if self._protects:
                facts = self.prepare()
                self._protector.protect([root.header.id for root in facts.roots], facts.user.id)
            yield
        except BaseException:  # nothing is swallowed: it is cleaned up and raised again
            # that error is what people have to hear of; what stays protected is remarked, and known to the index
            self._protector.lift_if_possible()
            raise
        self._protector.lift()

    def _chooser(self, sources: Sequence[CopySource], rest: RestOfRun | None = None) -> EngineChooser:
        """Who copies what, after trying what the keys reach; each place is tried once per run."""
        destination = self.prepare().destination.kind
        return self._network.run(self._engines.chooser(sources, destination, rest))

    def _indexing(self, facts: PreflightFacts) -> Generator[Line]:
        """The phases that fill the index.

        A view is made when it is known how much there is to read. It is gone before the next phase, and also when no
        next one is asked for. Containers that were only counted, and that no view has settled, are listed; what comes
        to light in them is walked.
        """
        with self._views.sparing_listings():
            yield (WALK,)
        waiting = self._ledger.count_pending_files()
        with self._views.at_hand(facts.roots, waiting, self._speeds) as has_view:
            if has_view:
                yield (FIND_BY_VIEW,)
            yield (LIST_COUNTED,)
            yield (WALK,)
            if has_view:
                yield (DESCRIBE_BY_VIEW,)
        yield (DESCRIBE, DESCRIBE_TABLES)

    def _ahead(self) -> WorkAhead:
        ahead = self._ledger.ahead()
        return ahead if self._services.table_snapshots else replace(ahead, snapshots=0)

    def _has_looked_everywhere(self) -> bool:
        """Whether no look is pending; looks that failed count as done, for a refresh repeats them anyway."""
        pending = (self._ledger.pending_containers, self._ledger.pending_files, self._ledger.pending_tables)
        return not any(claim(after=0, limit=1) for claim in pending) and not self._ledger.pending_counted()

    def _run(self, lines: Iterable[Line], what: str) -> RunOutcome:
        self._ledger.note(f"{what} began", "")
        total = Tally()
        for line in lines:
            total = total + self._around.drive(line, self._watch)
            if self._watch.ending is not Ending.COMPLETE:
                break
        counts = self._ledger.counts()
        return RunOutcome(
            exit_code=exit_code(counts, self._watch.ending), ending=self._watch.ending, counts=counts, tally=total
        )

    def _told(self, outcome: RunOutcome) -> RunOutcome:
        self._watch.note_decisions()
        self._ledger.note(f"run ended: {outcome.ending}", f"exit code {int(outcome.exit_code)}")
        self._ledger.publish()
        return outcome

    def _remember(self, facts: PreflightFacts) -> None:
        """Keep what reports want to say about people and places."""
        self._ledger.remember("user_name", facts.user.user_name)
        self._ledger.remember("user_id", facts.user.id)
        self._ledger.remember("destination_kind", facts.destination.kind)
        self._ledger.remember("destination_bucket", facts.destination.bucket or "Synapse storage")
        self._ledger.remember("destination_base_key", facts.destination.base_key or "")
        for root in facts.roots:
            self._ledger.remember(f"name of {root.header.id}", root.header.name)
