"""What the report's page adds to the audit's style sheet: colours of the plots, heat tables, pairs of plots."""

REPORT_CSS = """
:root { --blue: #0072b2; --vermilion: #d55e00; --orange: #e69f00; --pale: #c9d6df; --deep: #ffffff }
@media (prefers-color-scheme: dark) { :root { --blue: #56b4e9; --vermilion: #ff8a4c; --orange: #f0b84a; --pale: #4a5560;
  --deep: #0d1113 } }
.plot { margin: 6px 0 18px } .plot svg { display: block; height: auto }
.plot svg text { font-family: system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif !important }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 28px }
.heat { table-layout: fixed; min-width: 640px; border-spacing: 3px; border-collapse: separate; margin-left: -3px }
.heat th, .heat td { border: 0; padding: 6px 4px; text-align: center }
.heat th:first-child { text-align: left; width: 128px }
.heat td[style] { background: color-mix(in srgb, var(--blue) var(--v), var(--card)); border-radius: 6px }
.heat td.warm { background: color-mix(in srgb, var(--vermilion) var(--v), var(--card)) }
.heat td b { display: block; font-weight: 600 } .heat td span { font-size: 12px; color: var(--soft) }
.heat td.deep, .heat td.deep span { color: var(--deep) } .heat td.right { outline: 2px solid var(--ink) }
.heat td.num { width: auto }
footer { margin-top: 48px; padding-top: 18px; border-top: 1px solid var(--line); color: var(--soft) }
"""
