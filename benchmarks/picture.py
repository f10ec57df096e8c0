"""The picture of the kept results: how long each side takes for the same work."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.contestants import is_ours
from benchmarks.kept import Held, Kept, Side

_WIDTH, _LEFT, _RIGHT = 900, 230, 110
_BAR, _GAP, _GROUP = 16, 5, 34
_STYLE = """
    :root { --ink: #1f2933; --soft: #5b6875; --ours: #1a7f4b; --theirs: #9aa5b1; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e6edf3; --soft: #9daab6; --ours: #66d19e; --theirs: #6b7885; }
    }
    .title { fill: var(--ink); font-size: 14px; font-weight: 600; }
    .name { fill: var(--soft); font-size: 12px; text-anchor: end; }
    .figure { fill: var(--ink); font-size: 12px; }
    .ours { fill: var(--ours); } .theirs { fill: var(--theirs); }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A contest to show, and its title."""

    benchmark: str
    items: int
    title: str


def picture(kept: Kept, shown: Sequence[Shown]) -> str:
    """An SVG with a group of bars for each contest that was kept; a side that was not right has no bar."""
    lines: list[str] = []
    y = 20
    for one in shown:
        held = kept.contest(one.benchmark, one.items)
        if held is None:
            continue
        lines.append(f'<text class="title" x="8" y="{y}">{escape(one.title)}</text>')
        y += 8
        bars = _bars(held, y)
        lines += bars
        y += len(bars) * (_BAR + _GAP) + _GROUP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y - 10}" role="img" aria-labelledby="title"\n'
        f"     font-family=\"system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\">\n"
        f'  <title id="title">How long each side takes for the same work</title>\n'
        f"  <style>{_STYLE}  </style>\n  " + "\n  ".join(lines) + "\n</svg>\n"
    )


def _bars(held: Held, top: int) -> list[str]:
    sides = [side for side in held.sides if side.is_right or side.is_unfinished]
    longest = max(side.seconds for side in sides)
    return [
        _bar(side, top + place * (_BAR + _GAP), side.seconds / longest, side.seconds * held.circumstances.pace)
        for place, side in enumerate(sides)
    ]


def _bar(side: Side, top: int, share: float, seconds: float) -> str:
    width = max(1.0, share * (_WIDTH - _LEFT - _RIGHT))
    kind = "ours" if is_ours(side.name) else "theirs"
    base = top + _BAR - 4
    told = f"{'over ' * side.is_unfinished}{_told(seconds)}"
    return (
        f'<g><text class="name" x="{_LEFT - 8}" y="{base}">{escape(side.name)}</text>'
        f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{width:.1f}" height="{_BAR}" rx="2"/>'
        f'<text class="figure" x="{_LEFT + width + 6:.1f}" y="{base}">{told}</text></g>'
    )


def _told(seconds: float) -> str:
    return f"{seconds:,.0f} s"
