/** The page's only style sheet: no font, no picture, and every colour is doubled by a word. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --text: light-dark(#1b1f24, #e6e8eb);
  --quiet: light-dark(#57606a, #9aa4af);
  --page: light-dark(#ffffff, #14171b);
  --line: light-dark(#d0d7de, #333a42);
  --bad: light-dark(#b42318, #ff8a80);
  --wait: light-dark(#8a5300, #f2c063);
  --good: light-dark(#1a7f37, #7bd88f);
}
body { margin: 1.5rem auto; max-width: 90rem; padding: 0 1rem; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.35rem; margin: 0 0 .25rem; }
h2 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; margin: .75rem 0; }
dt, .quiet { color: var(--quiet); }
dd { margin: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; overflow-wrap: break-word; }
td:nth-child(3) { min-width: 20rem; }
td code { overflow-wrap: anywhere; }
caption { text-align: left; color: var(--quiet); padding-bottom: .4rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .9rem .45rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--quiet); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 600; }
code, time { font-family: ui-monospace, monospace; font-size: .9em; }
td.word, dd time, time span { white-space: nowrap; }
ul { margin: 0; padding: 0; list-style: none; }
.failing, .bad { color: var(--bad); }
.waiting { color: var(--wait); }
.synced, .good { color: var(--good); }
.word { font-weight: 600; }
#live { position: sticky; top: 0; }
#live:not(:empty) { padding: .4rem .7rem; background: var(--page); border: 1px solid var(--bad); color: var(--bad); }
`;
