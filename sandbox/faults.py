"""Planned misfortune: rules that make a chosen call fail in a chosen way, shared by both halves of the sandbox."""

import asyncio
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_LOOK_AGAIN_SECONDS = 0.02


class FaultKind(StrEnum):
    """What goes wrong, and whether the work behind the call is done all the same."""

    STATUS_BEFORE = "status-before"
    """Answer the status and body; the work is not done."""
    STATUS_AFTER = "status-after"
    """Do the work, then answer the status and body: a lost answer."""
    DROP_BEFORE = "drop-before"
    """Close the connection; the work is not done."""
    DROP_AFTER = "drop-after"
    """Do the work, then close the connection."""
    DELAY = "delay"
    """Wait, then serve the call as usual."""
    DELAY_AFTER = "delay-after"
    """Do the work, wait, then answer as usual."""
    HOLD = "hold"
    """Do the work, then keep the answer back until the rule is lifted."""
    TRUNCATE = "truncate"
    """Do the work, then send half of the answer and close the connection."""
    DAMAGE = "damage"
    """S3 only: store a part with a byte flipped. Any other call is served as usual."""
    SHORTEN = "shorten"
    """S3 only: store a part without its last byte. Any other call is served as usual."""


@dataclass(slots=True, kw_only=True)
class FaultRule:
    """One rule: which calls, which of them, and what happens.

    Attributes:
        method: the HTTP method, or None for any.
        path: a regular expression searched in the path (with the query string after a "?").
        skip: that many matching calls pass unharmed first.
        times: then that many are struck; None strikes all that follow.
        body: sent as it is; an ErrorResponse is made up when None.
        content_type: of the body; "text/html" plays the load balancer.
        delay_seconds: waited before anything else, by the kind ``delay-after`` before the answer instead.
        seen: matching calls so far.
        struck: calls struck so far.
    """

    kind: FaultKind
    path: str = ".*"
    method: str | None = None
    skip: int = 0
    times: int | None = 1
    status: int = 503
    body: str | None = None
    content_type: str = "application/json"
    delay_seconds: float = 0.0
    seen: int = 0
    struck: int = 0
    _pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._pattern = re.compile(self.path)

    def strikes(self, method: str, path: str) -> bool:
        """Whether this call is struck; counts it."""
        if self.method is not None and self.method.upper() != method:
            return False
        if self._pattern.search(path) is None:
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.times is not None and self.struck >= self.times):
            return False
        self.struck += 1
        return True

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "FaultRule":
        """A rule from its JSON form: the attribute names in camel case or as they are; raises ValueError."""
        words = {_snake(key): member for key, member in value.items()}
        allowed = set(cls.__dataclass_fields__) - {"seen", "struck", "_pattern"}
        unknown = sorted(set(words) - allowed)
        if unknown or "kind" not in words:
            raise ValueError(f"a fault rule has a kind and any of {sorted(allowed)}; not understood: {unknown}")
        return cls(**{**words, "kind": FaultKind(words["kind"])})

    def as_json(self) -> dict[str, Any]:
        """The rule with its counters."""
        return {
            "kind": self.kind.value,
            "path": self.path,
            "method": self.method,
            "skip": self.skip,
            "times": self.times,
            "status": self.status,
            "body": self.body,
            "contentType": self.content_type,
            "delaySeconds": self.delay_seconds,
            "seen": self.seen,
            "struck": self.struck,
        }


@dataclass(slots=True)
class Faults:
    """The rules in force; the first that strikes wins."""

    rules: list[FaultRule] = field(default_factory=list)

    def striking(self, method: str, path: str) -> FaultRule | None:
        """The rule that strikes this call, or None. Counts the call in every rule it reaches."""
        return next((rule for rule in self.rules if rule.strikes(method, path)), None)

    async def lifted(self, rule: FaultRule) -> None:
        """Wait until *rule* is no longer in force; in real time, however the sandbox's waits are scaled."""
        # whoever lifts it may be another thread, which an event of this loop would not hear
        while any(one is rule for one in self.rules):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def add(self, rule: FaultRule) -> None:
        """Put a rule in force, after the ones already there."""
        self.rules.append(rule)

    def clear(self) -> None:
        """No more faults."""
        self.rules.clear()


def _snake(word: str) -> str:
    return re.sub(r"([A-Z])", lambda match: "_" + match.group(1).lower(), word)
