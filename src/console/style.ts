/** The style sheet of the console, served at `/console.css`: the content security policy allows none in the page. */
export const consoleCss = `:root {
  color-scheme: light dark;
  --back: #fcfcfb;
  --card: #ffffff;
  --text: #1d2126;
  --quiet: #5c6570;
  --line: #dfe2e6;
  --link: #0b57a8;
  --bad: #a3361a;
  --note: #fff4d6;
  --note-line: #d9b650;
}

@media (prefers-color-scheme: dark) {
  :root {
    --back: #15181c;
    --card: #1c2026;
    --text: #e4e7eb;
    --quiet: #9aa4b0;
    --line: #333a43;
    --link: #83b9f5;
    --bad: #f09a7d;
    --note: #332c17;
    --note-line: #7d6a2c;
  }
}

* { box-sizing: border-box; }

body {
  margin: 0 auto;
  max-width: 62rem;
  padding: 1.5rem 1rem 3rem;
  background: var(--back);
  color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif;
}

header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1rem; margin-bottom: 1rem; }
h1 { margin: 0; font-size: 1.5rem; }
h2 { margin: 2rem 0 0.5rem; font-size: 1.1rem; }
h3 { margin: 1.25rem 0 0.25rem; font-size: 1rem; }
header p, dl { margin: 0; }
a { color: var(--link); }
a:focus-visible, [tabindex]:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code { font: 0.9em/1.5 ui-monospace, monospace; }

aside { padding: 0.25rem 1rem; background: var(--note); border: 1px solid var(--note-line); border-radius: 6px; }
aside pre { margin: 0; }

.scroll, pre { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 6px; }
pre { padding: 0.75rem 1rem; }

table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.4rem 0.75rem; text-align: left; vertical-align: top; font-weight: normal; }
thead th { color: var(--quiet); font-size: 0.85rem; white-space: nowrap; }
tbody tr { border-top: 1px solid var(--line); }
tbody th { min-width: 9rem; overflow-wrap: anywhere; }
td { white-space: nowrap; }
.number { text-align: right; }

@media (max-width: 40rem) {
  table { font-size: 0.9rem; }
  th, td { padding: 0.4rem 0.5rem; }
  tbody th { min-width: 7rem; }
  td:not(.number) { white-space: normal; }
}

dl { display: flex; flex-wrap: wrap; gap: 0.25rem 2rem; }
dl div { display: flex; gap: 0.5rem; }
dt { color: var(--quiet); white-space: nowrap; }
dd { margin: 0; font-variant-numeric: tabular-nums; }

.plain { margin: 0; padding: 0; list-style: none; }
.plain li { margin: 0.2rem 0; }
ul:not(.plain) { margin: 0.25rem 0; padding-left: 1.25rem; }
.name { min-width: 0; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.bad { color: var(--bad); }
`
