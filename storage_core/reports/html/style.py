"""The page's only style sheet: light and dark, screen and paper. Colours are never the only sign of anything."""

from storage_core.reports.html.markup import Markup

STYLE = Markup("""
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --sheet: #ffffff; --ink: #16202c; --quiet: #566375; --line: #dbe1e8; --soft: #eef2f6;
  --good: #1a7f53; --good-soft: #e3f4ec; --warn: #9a5b00; --warn-soft: #fdf1dc; --bad: #b3261e; --bad-soft: #fce9e7;
  --c1: #2d6cdf; --c2: #1a936f; --c3: #c9821b; --c4: #8a5cc4; --c5: #c2477f; --c6: #3b97a8; --c7: #7d8796;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10151c; --sheet: #171e27; --ink: #e6ebf2; --quiet: #9dabbc; --line: #2b3644; --soft: #1e2732;
    --good: #5fd0a0; --good-soft: #12301f; --warn: #f0b95b; --warn-soft: #33270f; --bad: #ff8d85; --bad-soft: #3a1a18;
    --c1: #6fa1ff; --c2: #4cc79c; --c3: #eab04d; --c4: #b491ec; --c5: #ee7fb0; --c6: #6cc7d8; --c7: #97a3b3;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink); line-height: 1.5; -webkit-text-size-adjust: 100%;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; background: var(--sheet); padding: .5rem 1rem; }
header, main, footer { max-width: 72rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2.5rem; }
.kicker {
  margin: 0; color: var(--quiet); font-size: .8rem; font-weight: 600; letter-spacing: .08em; text-transform: uppercase;
}
h1 { margin: .25rem 0 1rem; font-size: 1.9rem; line-height: 1.2; letter-spacing: -.01em; font-weight: 650; }
h2 { margin: 0 0 .25rem; font-size: 1.2rem; line-height: 1.3; font-weight: 650; }
p { margin: 0 0 .75rem; max-width: 60rem; }
.lead { color: var(--quiet); }
section {
  background: var(--sheet); border: 1px solid var(--line); border-radius: 10px;
  padding: 1.25rem 1.5rem; margin: 0 0 1.25rem;
}
.verdict {
  display: flex; gap: .75rem; align-items: baseline; border-radius: 10px; padding: .9rem 1.25rem;
  margin: 0 0 1.25rem; font-size: 1.1rem; font-weight: 600; border: 1px solid currentColor; max-width: none;
}
.verdict.good { color: var(--good); background: var(--good-soft); }
.verdict.unfinished { color: var(--warn); background: var(--warn-soft); }
.verdict.attention { color: var(--bad); background: var(--bad-soft); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .75rem 1.5rem; }
.facts, .facts dd { margin: 0; }
.facts dt { color: var(--quiet); font-size: .8rem; }
.facts dd { font-weight: 550; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; }
.tiles { margin: .75rem 0 1rem; }
.tile { border: 1px solid var(--line); border-radius: 8px; padding: .7rem .9rem; background: var(--soft); }
.tile.none { opacity: .62; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; }
.tile span { display: block; color: var(--quiet); font-size: .8rem; }
.tile .word { color: var(--ink); font-weight: 650; font-size: .74rem; white-space: nowrap; }
.tile .word::before {
  content: ""; display: inline-block; width: .65em; height: .65em; border-radius: 2px; margin-right: .45em;
  background: var(--mark, var(--c7));
}
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; color: var(--quiet); font-size: .85rem; padding: .25rem 0 .5rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .9rem .45rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--quiet); font-weight: 600; font-size: .8rem; white-space: nowrap; vertical-align: bottom; }
tbody th { font-weight: 600; }
tbody tr:last-child > * { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code, .code { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.badge { border: 1px solid currentColor; border-radius: 99px; padding: 0 .5em; font-size: .78rem; white-space: nowrap; }
.badge.bad { color: var(--bad); } .badge.warn { color: var(--warn); } .badge.calm { color: var(--quiet); }
.detail { color: var(--quiet); overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; margin: .5rem 0 1rem; }
svg text { fill: var(--ink); font-size: 13px; }
svg .quiet { fill: var(--quiet); font-size: 12px; }
svg .axis { stroke: var(--line); fill: none; }
svg .gap { stroke: var(--sheet); stroke-width: 1.5; }
svg .band { opacity: .38; }
svg .area { fill: var(--c1); opacity: .18; } svg .curve { fill: none; stroke: var(--c1); stroke-width: 2; }
svg .tick { stroke: var(--quiet); stroke-dasharray: 2 3; } svg .dot { fill: var(--quiet); }
.f1 { fill: var(--c1); } .f2 { fill: var(--c2); } .f3 { fill: var(--c3); } .f4 { fill: var(--c4); }
.f5 { fill: var(--c5); } .f6 { fill: var(--c6); } .f7 { fill: var(--c7); }
.bar { width: 8rem; height: .6rem; margin: .45rem 0 0; } .bar .track { fill: var(--soft); }
.is-indexed { --mark: var(--c6); fill: var(--c6); } .is-already_migrated { --mark: var(--c1); fill: var(--c1); }
.is-migrated { --mark: var(--c2); fill: var(--c2); } .is-skipped { --mark: var(--c7); fill: var(--c7); }
.is-drifted { --mark: var(--c3); fill: var(--c3); } .is-errored { --mark: var(--bad); fill: var(--bad); }
.is-rolled_back { --mark: var(--c4); fill: var(--c4); }
footer { color: var(--quiet); font-size: .85rem; padding-bottom: 3rem; }
@media (max-width: 40rem) {
  header, main, footer { padding-left: .9rem; padding-right: .9rem; }
  section { padding: 1rem; }
}
@media print {
  @page { margin: 16mm 14mm; }
  :root {
    color-scheme: light;
    --page: #fff; --sheet: #fff; --ink: #000; --quiet: #444; --line: #bbb; --soft: #f4f4f4;
    --good: #0f5c3a; --good-soft: #fff; --warn: #734300; --warn-soft: #fff; --bad: #8c1b15; --bad-soft: #fff;
    --c1: #2d6cdf; --c2: #1a936f; --c3: #c9821b; --c4: #8a5cc4; --c5: #c2477f; --c6: #3b97a8; --c7: #7d8796;
  }
  body { font-size: 10pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  header, main, footer { max-width: none; padding-left: 0; padding-right: 0; }
  header { padding-top: 0; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: 5mm 0 0; margin: 0 0 5mm; }
  .tiles { grid-template-columns: repeat(6, 1fr); gap: 2mm; }
  .tile { padding: 1.5mm 2mm; } .tile b { font-size: 13pt; } .tile span { font-size: 7pt; }
  .tile .word { font-size: 6pt; } .verdict { font-size: 11pt; } h1 { font-size: 16pt; }
  table { font-size: 8.5pt; } th, td { padding: 1mm 2.5mm 1mm 0; }
  h2, caption, thead, .lead { break-after: avoid; } .lead { break-inside: avoid; }
  tr, .tile, svg, .facts > div { break-inside: avoid; }
  thead { display: table-header-group; }
  .wide { overflow: visible; } .skip { display: none; }
}
""")
