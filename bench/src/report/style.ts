// The page's style sheet. Data. Light and dark by the reader's preference; readable from 320 pixels on.

/** CSS. The series' colours are told apart by people who do not see red and green, on both grounds. */
export const style = `
:root { --ground: #fbfbfa; --card: #fff; --ink: #1d2327; --soft: #5d676e; --line: #dfe3e6; --good: #0b7a4b; --fair: #8a6100; --bad: #c22a1c;
  --series-0: #2f6fb3; --series-1: #d9822b; --series-2: #3a9a74; --series-3: #a64d79; --series-4: #7a6fc0; --series-5: #6b7780; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181b; --card: #1c2226; --ink: #e6eaec; --soft: #9aa6ad; --line: #303a40;
  --good: #4cc38a; --fair: #e0b24f; --bad: #ff7b6b;
  --series-0: #6ea8e5; --series-1: #f0a658; --series-2: #62c79e; --series-3: #dd8ab2; --series-4: #aaa0ee; --series-5: #9aa6ad; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header, main { max-width: 900px; margin: 0 auto; padding: 1.25rem 1.25rem 0; }
main { padding-bottom: 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; text-wrap: balance; }
h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
.kicker { color: var(--soft); margin: 0 0 .25rem; font-size: .9rem; }
.meta, .note, .bounds { color: var(--soft); font-size: .85rem; }
section { margin-top: 2rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: .75rem; }
article { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .85rem 1rem; }
article h2 { font-size: .9rem; font-weight: 500; color: var(--soft); }
article p { margin: 0; }
.value { font-size: 1.75rem; font-weight: 650; font-variant-numeric: tabular-nums; line-height: 1.3; }
.value small { font-size: .9rem; font-weight: 400; color: var(--soft); }
.verdict { font-size: .85rem; font-weight: 600; }
.aim .verdict { color: var(--good); } .goal .verdict { color: var(--fair); } .missed .verdict, .missed .value { color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; min-width: 100%; }
th, td { text-align: left; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 500; } .number { text-align: right; }
.clientbound, tr.clientbound td, .wrong { color: var(--bad); } .wrong, .warning { font-weight: 600; } .warning { color: var(--fair); }
p.clientbound { font-size: .85rem; margin: .5rem 0 0; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0 0 .5rem; font-size: .85rem; color: var(--soft); }
.key::before { content: ""; display: inline-block; width: .75em; height: .75em; border-radius: 2px; margin-right: .4em; background: var(--series-0); }
.key-1::before { background: var(--series-1); } .key-2::before { background: var(--series-2); } .key-3::before { background: var(--series-3); }
.key-4::before { background: var(--series-4); } .key-5::before { background: var(--series-5); }
.rule::before { content: "- - "; letter-spacing: -1px; }
svg { max-width: 100%; height: auto; display: block; } .wide { display: none; }
details { margin-top: 2rem; color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
@media (min-width: 700px) { .wide { display: block; } .narrow { display: none; } }
`;
