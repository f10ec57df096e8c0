"""Finds the handler of a path without trying one pattern after another."""

import re
from dataclasses import dataclass, field

from sandbox.synapse.http import Refused, Route

_WILD = re.compile(r"\{(\w+)\}")
_NUMBERED = re.compile(r"/(?:syn)?\d+(?=/|$)")


@dataclass(frozen=True, slots=True)
class _Leaf:
    route: Route
    names: tuple[str, ...]


@dataclass(slots=True)
class _Node:
    literal: dict[str, "_Node"] = field(default_factory=dict)
    wild: "_Node | None" = None
    leaves: dict[str, _Leaf] = field(default_factory=dict)

    def grown(self, segment: str) -> "_Node":
        """The node below for a segment of a template, made when missing."""
        if _WILD.fullmatch(segment):
            if self.wild is None:
                self.wild = _Node()
            return self.wild
        return self.literal.setdefault(segment, _Node())

    def find(self, segments: list[str], at: int) -> "tuple[_Node, list[str]] | None":
        """The node of a path and the values of its wild segments; a literal segment wins over a wild one."""
        if at == len(segments):
            return (self, []) if self.leaves else None
        segment = segments[at]
        below = self.literal.get(segment)
        found = below.find(segments, at + 1) if below is not None else None
        if found is None and self.wild is not None and segment:
            found = self.wild.find(segments, at + 1)
            if found is not None:
                found[1].insert(0, segment)
        return found


class Routes:
    """All calls of the service by path and method."""

    def __init__(self, routes: list[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in (route.base + route.template).split("/"):
            node = node.grown(segment)
        if route.method in node.leaves:
            raise ValueError(f"two handlers for {route.method} {route.base}{route.template}")
        node.leaves[route.method] = _Leaf(route, tuple(_WILD.findall(route.template)))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The call and the values in its path; refuses unknown paths with 404 and unknown methods with 405."""
        found = self._root.find(path.removesuffix("/").split("/"), 0)
        if found is None:
            raise Refused(404, f"The requested URL was not found: {path}")
        node, values = found
        leaf = node.leaves.get(method)
        if leaf is None:
            raise Refused(405, f"Request method '{method}' is not supported")
        return leaf.route, dict(zip(leaf.names, values, strict=True))


def normalised(path: str) -> str:
    """The path as the per-API throttle knows it: lower case, without its base, numbers replaced (contract 1.5)."""
    lowered = path.lower()
    _, marker, rest = lowered.partition("/v1")
    return _NUMBERED.sub("/#", rest if marker else lowered)
