"""What the report's page adds to the audit's style sheet: colours of the plots, heat tables, pairs of plots."""

REPORT_CSS = """
:root { --blue: #0072b2; --vermilion: #d55e00; --orange: #e69f00; --pale: #c9d6df; --depth: .7 }
@media (prefers-color-scheme: dark) { :root { --blue: #56b4e9; --vermilion: #ff8a4c; --orange: #f0b84a; --pale: #4a5560;
  --depth: .55 } }
.plot { margin: 6px 0 18px; overflow-x: auto } .plot svg { display: block; height: auto; min-width: 620px }
.pair .plot svg { min-width: 0 }
.plot svg text { font-family: system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif !important }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 28px }
.heat { table-layout: fixed; min-width: 640px; border-spacing: 3px; border-collapse: separate; margin-left: -3px }
.heat th, .heat td { border: 0; padding: 6px 4px; text-align: center }
.heat th:first-child { text-align: left; width: 128px }
/* The deepest cell stays light (or dark) enough for the page's ink. */
.heat td[style] { background: color-mix(in srgb, var(--hue, var(--blue)) calc(var(--v) * var(--depth)), var(--card));
  border-radius: 6px }
.heat td.warm { --hue: var(--vermilion) }
.heat td b { display: block; font-weight: 600 } .heat td span { font-size: 12px; opacity: .72 }
.heat td.right { outline: 2px solid var(--ink) } .heat .num { width: 90px }
main > .tiles { grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)) }
footer { margin-top: 48px; padding-top: 18px; border-top: 1px solid var(--line); color: var(--soft) }
"""
