// The page's style sheet. Data. Light and dark by the reader's preference; readable from 320 pixels on.

/** CSS. The series' colours are told apart by people who do not see red and green, on both grounds. */
export const style = `
:root { --ground: #fbfbfa; --ink: #1d2327; --soft: #5a646b; --line: #dfe3e6; --shade: #1d232726; --code: #eef1f2;
  --good: #0a6f44; --fair: #7d5800; --bad: #b92518; --good-ground: #e2f4ea; --fair-ground: #fbefd3; --bad-ground: #fce6e2;
  --series-0: #2f6fb3; --series-1: #d9822b; --series-2: #3a9a74; --series-3: #a64d79; --series-4: #7a6fc0; --series-5: #6b7780; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181b; --ink: #e6eaec; --soft: #a3afb6; --line: #303a40; --shade: #0009; --code: #20282d;
  --good: #5bd09a; --fair: #e6bb5c; --bad: #ff8a7b; --good-ground: #14301f; --fair-ground: #35290f; --bad-ground: #3d1a15;
  --series-0: #6ea8e5; --series-1: #f0a658; --series-2: #62c79e; --series-3: #dd8ab2; --series-4: #aaa0ee; --series-5: #9aa6ad; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header, main { max-width: 1040px; margin: 0 auto; padding: 1.25rem 1.25rem 0; }
main { padding-top: .5rem; padding-bottom: 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; text-wrap: balance; }
h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
.kicker { color: var(--soft); margin: 0 0 .25rem; font-size: .9rem; }
.command { margin: 0 0 .5rem; } code { background: var(--code); border-radius: 4px; padding: .2rem .45rem; font-size: .88rem; overflow-wrap: anywhere;
  -webkit-box-decoration-break: clone; box-decoration-break: clone; } code span { display: inline-block; }
.meta, .note { color: var(--soft); font-size: .85rem; } .meta { margin: 0; }
section { margin-top: 2.25rem; }
.right, .wrong, .warning { margin: .6rem 0 0; padding: .45rem .8rem; border-left: 4px solid; border-radius: 4px; overflow-wrap: anywhere; }
.right { color: var(--good); background: var(--good-ground); } .warning { color: var(--fair); background: var(--fair-ground); }
.wrong { color: var(--bad); background: var(--bad-ground); font-weight: 600; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: left; padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 500; vertical-align: bottom; } 
.figures th, .figures td { padding-left: .45rem; padding-right: .45rem; } .figures tbody th { font-weight: 500; } .figures td { white-space: nowrap; color: var(--soft); }
.figures .value { font-size: 1.25rem; font-weight: 650; color: var(--ink); line-height: 1.3; } .value small { font-size: .85rem; font-weight: 400; color: var(--soft); }
.figures .verdict { text-align: right; } .verdict span { font-size: .85rem; font-weight: 600; border-radius: 1rem; padding: .15rem .7rem; }
.good .verdict span { color: var(--good); background: var(--good-ground); } .fair .verdict span { color: var(--fair); background: var(--fair-ground); }
.bad .verdict span { color: var(--bad); background: var(--bad-ground); } .figures .bad .value { color: var(--bad); }
.scroll { overflow-x: auto; background: linear-gradient(to left, var(--ground) 50%, transparent) right / 3rem 100% no-repeat local,
  linear-gradient(to left, var(--shade), transparent) right / .9rem 100% no-repeat scroll; }
.rows { width: auto; min-width: 100%; } .rows th, .rows td { padding-left: .45rem; padding-right: .45rem; } .rows td { white-space: nowrap; } .rows td.text { white-space: normal; min-width: 12rem; overflow-wrap: anywhere; }
.number { text-align: right; } .rows thead th { line-height: 1.25; }
tr.clientbound { background: var(--bad-ground); } tr.clientbound td:first-child, p.clientbound { color: var(--bad); font-weight: 600; }
p.clientbound { font-size: .85rem; font-weight: 600; margin: .6rem 0 0; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0 0 .25rem; font-size: .85rem; color: var(--soft); }
.key::before { content: ""; display: inline-block; width: .75em; height: .75em; border-radius: 2px; margin-right: .4em; background: var(--series-0); }
.key-1::before { background: var(--series-1); } .key-2::before { background: var(--series-2); } .key-3::before { background: var(--series-3); }
.key-4::before { background: var(--series-4); } .key-5::before { background: var(--series-5); }
.rule::before { content: "- - "; letter-spacing: -1px; }
svg { max-width: 100%; height: auto; display: block; } .wide { display: none; }
details { margin-top: 2rem; color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; } summary { cursor: pointer; }
@media (min-width: 700px) { .wide { display: block; } .narrow { display: none; } }
@media (max-width: 699px) {
  .figures, .figures tbody { display: block; } .figures thead, .figures .none { display: none; }
  .figures tr { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1rem; padding: .55rem 0; border-bottom: 1px solid var(--line); }
  .figures th, .figures td { border: 0; padding: 0; } .figures tbody th { flex: 1 0 100%; }
  .figures .value { order: 1; flex: 1; } .figures .verdict { order: 2; } .figures [data-label] { order: 3; font-size: .85rem; }
  .figures tr::after { content: ""; order: 2; flex: 1 0 100%; }
  .figures [data-label]::before { content: attr(data-label) " "; }
  .rows th:first-child, .rows td:first-child { position: sticky; left: 0; background: var(--ground); max-width: 42vw; white-space: normal; }
  .rows tr.clientbound td:first-child { background: var(--bad-ground); } }
`;
