"""The audit page's style sheet: system fonts, light and dark by the reader's setting, printable."""

CSS = """
:root { color-scheme: light dark; --paper: #fbfaf8; --card: #ffffff; --ink: #1c2024; --soft: #60666d; --line: #e2e0db;
  --accent: #0072b2; --bad: #b3410a; --val: #d98a00; --test: #7a4ea3; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --card: #1d2125; --ink: #e8e6e1; --soft: #9aa1a8;
  --line: #30363c; --accent: #56b4e9; --bad: #ff9d5c; --val: #f0b84a; --test: #c19be6; } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 80px }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -.02em; margin: 0 0 6px; overflow-wrap: anywhere }
h2 { font-size: 20px; letter-spacing: -.01em; margin: 0 0 4px }
section { margin-top: 44px; padding-top: 22px; border-top: 1px solid var(--line) }
section > p { max-width: 72ch; margin: 0 0 14px; color: var(--soft) }
.lede { color: var(--soft); margin: 0 0 26px; overflow-wrap: anywhere }
code { font: 13px ui-monospace, "DejaVu Sans Mono", monospace }
.shown { font-size: 13px }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(180px, 1fr)); gap: 12px }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px }
.tile b { display: block; font-size: 28px; line-height: 1.15; font-variant-numeric: tabular-nums;
  letter-spacing: -.02em }
.tile.bad b { color: var(--bad) }
.tile span { color: var(--soft); font-size: 13px; line-height: 1.35; display: block }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); vertical-align: middle }
tr:first-child th { color: var(--soft); font-weight: 500; font-size: 13px }
tr:not(:first-child) th { font-weight: 500; white-space: nowrap }
.num { text-align: right; width: 1%; white-space: nowrap }
.bar { min-width: 90px }
.bar i { display: block; height: 10px; border-radius: 0 5px 5px 0; background: var(--accent); min-width: 1px }
.bars th:first-child { width: 12% }
.one { max-width: 560px; margin-bottom: 22px }
.cards { display: flex; flex-wrap: wrap; gap: 10px }
.card { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; background: var(--card);
  border: 1px solid var(--line); border-radius: 12px; padding: 10px }
.card.clash { border-color: var(--bad) }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(96px, 1fr)); gap: 14px 10px }
figure { margin: 0; width: 88px; text-align: center }
.grid figure { width: auto }
img { display: block; margin: 0 auto; width: 72px; height: 72px; border-radius: 8px; background: var(--line) }
figure.val img { box-shadow: 0 0 0 3px var(--val) } figure.test img { box-shadow: 0 0 0 3px var(--test) }
figcaption { font-size: 12px; line-height: 1.35; margin-top: 6px; color: var(--soft) }
figcaption b { color: var(--ink); font-weight: 600 } figcaption s { text-decoration-color: var(--bad) }
.more { color: var(--soft); font-size: 13px; padding: 0 6px }
@media (max-width: 520px) { main { padding: 24px 14px 60px } }
"""
