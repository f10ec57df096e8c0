"""Protecting containers from other people's changes while their files are migrated, and taking that back.

The list that was is in the index before it is changed, so whoever comes after a crash can put it back. What somebody
else has changed meanwhile is never overwritten. Every change is followed by reading, so a lost answer, or one that came
twice, is settled by what the list says (contract 13.6).

A write whose answer is lost may be carried out later, even after the lift. So rights are taken away only by writes that
expect an etag (contract 10), and the lift leaves another one behind: nobody's rights can be taken after it.
"""

from collections.abc import Callable, Sequence

from storage_core.errors import AccessError, AnswerLost, Conflict, Forbidden, PreconditionFailed, RestError, UsageError
from storage_core.model.entities import RootSnapshot
from storage_core.model.ids import EntityId, PrincipalId
from storage_core.model.protection import AccessList, LiftStep, Protection
from storage_core.plan.protecting import CONTROL, entries_text, lift_step, protected
from storage_core.ports.protection import AccessCatalog, ProtectionLedger
from storage_core.steps.services import Network

_PUT_BACK = "put back"

_TRIES = 3
"""How often a list is read and changed when others change it in the very same moment, or answers are lost."""


class Protector:
    """Protects the containers of one migration, and takes it back. Lives on the thread that opened the index."""

    def __init__(
        self, ledger: ProtectionLedger, catalog: AccessCatalog, network: Network, remark: Callable[[str], None]
    ) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._network = network
        self._remark = remark

    def check(self, roots: Sequence[RootSnapshot]) -> None:
        """Refuse what could not be protected, or not be taken back. No call.

        Raises:
            UsageError: a root has no children to protect.
            AccessError: the user may not change the permissions of a root.
        """
        for root in roots:
            named = f"{root.header.id} ({root.header.name})"
            if not root.header.kind.is_container:
                raise UsageError(
                    f"--protect is for projects and folders, and {named} is neither.", fix="Leave --protect out."
                )
            if not root.permissions.can_change_permissions:
                raise AccessError(
                    f"You may not change the permissions of {named}, so it cannot be protected.",
                    fix="Leave --protect out, or ask its administrator for the right to share it.",
                )

    def protect(self, roots: Sequence[EntityId], me: PrincipalId) -> None:
        """Take roots, and whatever below them has an access list of its own, down to "Can view" for others.

        One call per container, two to six more for each that is changed; those that are protected are passed over.

        Raises:
            AccessError: one of them may not be changed; nothing is undone here, see `lift`.
        """
        known = {one.entity_id for one in self._ledger.protections()}
        wanted = tuple(dict.fromkeys((*roots, *self._ledger.containers())))
        count = 0
        for entity_id in wanted:
            if entity_id not in known:
                count += self._protect_one(entity_id, me, is_root=entity_id in roots)
        self._remark(f"Protected {count} projects and folders: others may view them, and no more, until the end.")

    def lift(self) -> None:
        """Put every access list back that was changed and that nobody else has changed since; say which were.

        Three calls for each, as a rule. Repeating it is harmless.

        Raises:
            RestError: the service refused; what is not put back stays in the index for the next time.
        """
        for protection in reversed(self._ledger.protections()):
            told = self._network.run(self._lifted(protection))
            self._ledger.end_protection(protection, told)
            if told.startswith("left"):
                self._remark(f"{protection.entity_id}: its access list was {told}")

    def lift_if_possible(self) -> None:
        """The same, but a refusal is only remarked: something else is to be told of, or to be done, first."""
        try:
            self.lift()
        except RestError as error:
            still = ", ".join(one.entity_id for one in self._ledger.protections())
            self._remark(f"Still protected: {still} ({error.what}). Put them back with `unprotect INDEX`.")

    def _protect_one(self, entity_id: EntityId, me: PrincipalId, *, is_root: bool) -> int:
        """Whether the container was changed, as a number."""
        protection = self._network.run(self._planned(entity_id, me, is_root=is_root))
        if protection is None:
            return 0
        self._ledger.begin_protection(protection)
        try:
            self._network.run(self._written(protection))
        except Forbidden as error:
            raise AccessError(
                f"The permissions of {entity_id} may not be changed: {error.reason}.",
                fix="Leave --protect out, or ask its administrator for the right to share it.",
            ) from error
        return 1

    async def _planned(self, entity_id: EntityId, me: PrincipalId, *, is_root: bool) -> Protection | None:
        """What to do to the container; None when there is nothing to do."""
        own = await self._catalog.access_list(entity_id)
        governing = own
        if own is None:
            if not is_root:
                return None
            # what is inherited stays inherited below, from here on through this container
            governing = await self._catalog.access_list(await self._catalog.benefactor(entity_id))
        before = () if governing is None else governing.entries
        held = await self._catalog.rights(entity_id)
        if CONTROL not in held:
            raise AccessError(
                f"You may not change the permissions of {entity_id}, which has an access list of its own.",
                fix="Leave --protect out, or ask its administrator for the right to share it.",
            )
        during = protected(before, me, held)
        if own is not None and own.grants(during):
            return None
        return Protection(entity_id=entity_id, inherits=own is None, before=before, during=during)

    async def _written(self, protection: Protection) -> None:
        """Make the list say what it is to say, if it still says what was read.

        Raises:
            Forbidden: it may not be changed.
            Conflict: somebody is changing it, again and again.
        """
        refusal: RestError | None = None
        for _ in range(_TRIES):
            own = await self._catalog.access_list(protection.entity_id)
            if own is not None and own.grants(protection.during):
                return
            is_as_read = protection.inherits if own is None else own.grants(protection.before)
            if not is_as_read or isinstance(refusal, Forbidden):
                raise refusal or _busy(protection)
            try:
                await self._take_down(protection, own)
            except (AnswerLost, Forbidden, PreconditionFailed) as error:
                refusal = error
            else:
                return
        raise _busy(protection)

    async def _take_down(self, protection: Protection, own: AccessList | None) -> None:
        """Starting a list expects no etag, so a list is started that takes nothing from anybody, and then replaced."""
        if own is None:
            await self._catalog.start_access_list(protection.entity_id, protection.before)
            own = await self._catalog.access_list(protection.entity_id)
        if own is not None:
            await self._catalog.replace_access_list(protection.entity_id, protection.during, etag=own.etag)

    async def _lifted(self, protection: Protection) -> str:
        """Put the list back, and say what was done."""
        now = await self._catalog.access_list(protection.entity_id)
        etag_before = None if now is None else now.etag
        for _ in range(_TRIES):
            match lift_step(protection, now, etag_before=etag_before):
                case LiftStep.DONE:
                    return _PUT_BACK
                case LiftStep.LEAVE:
                    return _left(protection, now)
                case LiftStep.INHERIT | LiftStep.PUT_BACK | LiftStep.RENEW as step:
                    if not await self._may_take(step, protection, now):
                        return _PUT_BACK
            now = await self._catalog.access_list(protection.entity_id)
        if lift_step(protection, now, etag_before=etag_before) is LiftStep.DONE:
            return _PUT_BACK
        raise _busy(protection)

    async def _may_take(self, step: LiftStep, protection: Protection, now: AccessList | None) -> bool:
        """Write; whether it was carried out is for the list to say.

        Returns:
            Whether it was allowed. Whoever may not write the list as it is has no write on its way that is allowed.
        """
        entity_id, etag = protection.entity_id, "" if now is None else now.etag
        try:
            if step is LiftStep.INHERIT:
                await self._catalog.drop_access_list(entity_id)
            else:
                await self._catalog.replace_access_list(entity_id, protection.before, etag=etag)
        except Forbidden:
            if step is not LiftStep.RENEW:
                raise
            return False
        except (AnswerLost, PreconditionFailed) as error:
            self._remark(f"{error.what}; the list of {entity_id} is looked at again.")
        return True


def _left(protection: Protection, now: AccessList | None) -> str:
    said = "inherited" if now is None else entries_text(now.entries)
    before = "inherited" if protection.inherits else entries_text(protection.before)
    return f"left as somebody made it meanwhile ({said}); before the migration it was: {before}"


def _busy(protection: Protection) -> Conflict:
    return Conflict(
        call=f"PUT /entity/{protection.entity_id}/acl",
        status=409,
        reason="somebody else changes this access list all the time",
        fix="Run `unprotect INDEX` a little later.",
    )
