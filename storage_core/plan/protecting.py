"""What a protected access list says, and how it is taken back. Pure."""

from storage_core.model.ids import PrincipalId
from storage_core.model.protection import AccessEntries, AccessEntry, AccessList, LiftStep, Protection

CAN_VIEW = frozenset({"READ"})
"""The preset "Can view" of Synapse's web pages (contract 10.2)."""

CONTROL = "CHANGE_PERMISSIONS"


def protected(before: AccessEntries, me: PrincipalId, held: frozenset[str]) -> AccessEntries:
    """Others may view what they could view before, and no more. The migrating user keeps all, in an entry of their own.

    Args:
        held: what the user may do there now, also through a team: it would be lost with the team's rights.
    """
    mine = next((entry.rights for entry in before if entry.principal == int(me)), frozenset[str]())
    others = tuple(
        AccessEntry(principal=entry.principal, rights=entry.rights & CAN_VIEW)
        for entry in before
        if entry.principal != int(me) and entry.rights & CAN_VIEW
    )
    return (AccessEntry(principal=int(me), rights=mine | held), *others)


def lift_step(protection: Protection, now: AccessList | None, *, etag_before: str | None = None) -> LiftStep:
    """How to take *protection* back.

    Args:
        now: the container's own list; None when it inherits.
        etag_before: what the list had when the lift began. A protecting write that nobody has heard of again may still
            be on its way, and Synapse would carry it out: whoever finds the list as it was gives it a new etag, which
            that write does not expect.
    """
    if now is None:
        return LiftStep.DONE if protection.inherits else LiftStep.LEAVE
    if now.grants(protection.before):
        as_it_was = LiftStep.RENEW if now.etag == etag_before else LiftStep.DONE
        return LiftStep.INHERIT if protection.inherits else as_it_was
    if not now.grants(protection.during):
        return LiftStep.LEAVE
    return LiftStep.INHERIT if protection.inherits else LiftStep.PUT_BACK


def entries_text(entries: AccessEntries) -> str:
    """An access list in one line, for the journal: a person can put it back by hand."""
    ordered = sorted(entries, key=lambda entry: entry.principal)
    return "; ".join(f"{entry.principal}: {', '.join(sorted(entry.rights))}" for entry in ordered) or "nobody"
