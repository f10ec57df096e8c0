"""The before-and-after picture: bytes flowing from the storage locations on the left to those on the right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage_core.reports.html.charts import COLOURS, WIDTH, Band, picture
from storage_core.reports.html.markup import Markup, tag
from storage_core.reports.wording import share_text, size_text

BODY = 180.0
GAP = 22.0
TOP = 34.0
NODE = 14.0
LABELS = 230.0
LEAST = 3.0
MOST_NODES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One storage location on one side; `top` and `height` in the drawing's units."""

    name: str
    size: int
    top: float
    height: float


def flow_picture(label: str, bands: Sequence[Band]) -> Markup:
    """Left and right stacks of storage locations with bands between them; beyond six, the smallest are merged."""
    merged = _merged(bands)
    total = sum(band.size for band in merged)
    left = _stack(_totals((band.left, band.size) for band in merged), total)
    right = _stack(_totals((band.right, band.size) for band in merged), total)
    colour = {node.name: f"f{1 + position % COLOURS}" for position, node in enumerate(_distinct((*right, *left)))}
    height = max(node.top + node.height for node in (*left, *right)) + 14
    return picture(
        label,
        height,
        tag("text", "Before", x=0, y=16, class_="quiet"),
        tag("text", "Now", x=WIDTH, y=16, text_anchor="end", class_="quiet"),
        *_bands(merged, left, right, total, colour),
        *(_node(node, x=LABELS - NODE, colour=colour, total=total) for node in left),
        *(_node(node, x=WIDTH - LABELS, colour=colour, total=total) for node in right),
    )


def _merged(bands: Sequence[Band]) -> list[Band]:
    """At most six names on each side; the rest is called `others`."""
    kept_left = _largest((band.left, band.size) for band in bands)
    kept_right = _largest((band.right, band.size) for band in bands)
    sums: dict[tuple[str, str], int] = {}
    for band in bands:
        ends = (
            band.left if band.left in kept_left else "others",
            band.right if band.right in kept_right else "others",
        )
        sums[ends] = sums.get(ends, 0) + band.size
    return [
        Band(left=left, right=right, size=size, title=f"{left} → {right}: {size_text(size)}")
        for (left, right), size in sums.items()
        if size > 0
    ]


def _totals(sizes: Iterable[tuple[str, int]]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for name, size in sizes:
        totals[name] = totals.get(name, 0) + size
    return dict(sorted(totals.items(), key=lambda entry: -entry[1]))


def _largest(sizes: Iterable[tuple[str, int]]) -> set[str]:
    names = list(_totals(sizes))
    return set(names if len(names) <= MOST_NODES else names[: MOST_NODES - 1])


def _stack(totals: dict[str, int], total: int) -> list[Node]:
    top = TOP
    nodes = []
    for name, size in totals.items():
        height = max(LEAST, size / total * BODY)
        nodes.append(Node(name=name, size=size, top=top, height=height))
        top += max(height, 16) + GAP
    return nodes


def _distinct(nodes: Sequence[Node]) -> list[Node]:
    return list({node.name: node for node in nodes}.values())


def _node(node: Node, *, x: float, colour: dict[str, str], total: int) -> Markup:
    on_left = x < WIDTH / 2
    words_x = x - 10 if on_left else x + NODE + 10
    middle = node.top + node.height / 2
    return tag(
        "g",
        tag("rect", x=x, y=f"{node.top:.1f}", width=NODE, height=f"{node.height:.1f}", rx=2, class_=colour[node.name]),
        tag(
            "text",
            node.name,
            tag("tspan", f"{size_text(node.size)} · {share_text(node.size, total)}", x=words_x, dy=15, class_="quiet"),
            x=words_x,
            y=f"{middle - 2:.1f}",
            text_anchor="end" if on_left else "start",
        ),
    )


def _bands(
    bands: Sequence[Band], left: Sequence[Node], right: Sequence[Node], total: int, colour: dict[str, str]
) -> list[Markup]:
    """Bands leave and arrive in the order of the stacks, so that they cross as little as possible."""
    position = {node.name: index for index, node in enumerate(right)}
    left_at = {node.name: node.top for node in left}
    right_at = {node.name: node.top for node in right}
    order = {node.name: index for index, node in enumerate(left)}
    shapes = []
    for band in sorted(bands, key=lambda band: (order[band.left], position[band.right])):
        height = max(1.0, band.size / total * BODY)
        shapes.append(
            tag(
                "path",
                tag("title", band.title),
                d=_ribbon(left_at[band.left], right_at[band.right], height),
                class_=f"{colour[band.right]} band",
            )
        )
        left_at[band.left] += height
        right_at[band.right] += height
    return shapes


def _ribbon(left_top: float, right_top: float, height: float) -> str:
    start, end = LABELS, WIDTH - LABELS
    middle = (start + end) / 2
    return (
        f"M{start:g},{left_top:.1f} C{middle:g},{left_top:.1f} {middle:g},{right_top:.1f} {end:g},{right_top:.1f} "
        f"V{right_top + height:.1f} C{middle:g},{right_top + height:.1f} {middle:g},{left_top + height:.1f} "
        f"{start:g},{left_top + height:.1f} Z"
    )
