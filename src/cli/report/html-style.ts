/**
 * The style sheet of the HTML report: light and dark by the reader's setting, one column on a narrow screen, paper.
 *
 * The policies' colours were chosen one after the other, each as far as possible from those before it for normal sight,
 * protanopia, deuteranopia and tritanopia alike (`html-style.test.ts` measures that); dashes repeat what colours say.
 */

const LIGHT = `
  --paper: #fcfbf8; --card: #ffffff; --ink: #1d2126; --muted: #5c6670; --rule: #d9d6cd; --grid: #e6e3db;
  --guide: #8b8578; --area: #e9e6dd; --accent: #0a5fb4; --good: #0b6b4a; --bad: #a63a00;
  --policy-0: #0a5fb4; --policy-1: #d9730d; --policy-2: #8a1538; --policy-3: #0b97b3;
  --policy-4: #553366; --policy-5: #a05a6c; --policy-6: #9944ff; --policy-7: #cc2211;`;

const DARK = `
  --paper: #14171b; --card: #1b1f25; --ink: #e8e6e1; --muted: #a3abb5; --rule: #343a42; --grid: #2a3038;
  --guide: #7d8590; --area: #262c34; --accent: #7db8ff; --good: #5fd3a6; --bad: #ffa46b;
  --policy-0: #6fb1ff; --policy-1: #ffa94d; --policy-2: #e2457c; --policy-3: #8ff5dc;
  --policy-4: #7070f0; --policy-5: #ffe94a; --policy-6: #b07cc6; --policy-7: #f08060;`;

/** The whole style sheet. */
export const STYLE = `
:root { color-scheme: light dark; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
main, footer { max-width: 84rem; margin: 0 auto; padding: 0 clamp(1rem, 4vw, 3rem); }
main { padding-top: clamp(1.5rem, 5vw, 4rem); }
h1, h2, .lead { font-family: "Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia, "DejaVu Serif", serif; }
h1 { font-size: clamp(1.1rem, 1rem + 0.6vw, 1.35rem); font-weight: 600; color: var(--muted); margin: 0 0 0.75rem; }
h2 { font-size: 1.6rem; font-weight: 600; line-height: 1.25; margin: 3.5rem 0 0.5rem; }
h3 { font-size: 1.05rem; line-height: 1.3; margin: 0; }
p { margin: 0 0 0.75rem; max-width: 46rem; }
a { color: var(--accent); }
strong { font-weight: 650; }
.lead { font-size: clamp(1.5rem, 1.1rem + 1.9vw, 2.35rem); line-height: 1.25; max-width: 34em; margin: 0 0 1.25rem; text-wrap: balance; }
.lead strong { color: var(--accent); font-weight: 600; }
.more { font-size: 1.08rem; }
.muted, figcaption p, .note, dt { color: var(--muted); }
.partial { border-left: 4px solid var(--bad); padding: 0.5rem 1rem; background: var(--card); }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(15.5rem, 1fr)); margin: 2.25rem 0 0; padding: 0; list-style: none; }
.card { display: flex; flex-direction: column; justify-content: space-between; background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 1rem 1.1rem 1.1rem; }
.card h3 small { display: block; color: var(--muted); font-weight: 400; font-size: 0.8rem; margin-top: 0.15rem; }
.card ul { list-style: none; margin: 0.6rem 0 0; padding: 0; }
.card li { margin-top: 0.55rem; }
.card .row { display: flex; justify-content: space-between; gap: 0.75rem; font-size: 0.92rem; }
.card .name { overflow-wrap: anywhere; }
.card .value { font-variant-numeric: tabular-nums; white-space: nowrap; }
.card .best { font-weight: 700; }
.bar { height: 6px; border-radius: 3px; background: var(--grid); margin-top: 3px; overflow: hidden; }
.bar span { display: block; height: 100%; min-width: 2px; border-radius: 3px; }
.verdicts { display: grid; gap: 0.75rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); margin: 1rem 0 0; }
.verdicts h3 { margin-bottom: 0.35rem; }
.verdicts p { margin: 0 0 0.35rem; font-size: 0.95rem; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.figures { display: grid; gap: 2.25rem 2.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); margin-top: 1.25rem; }
figure { margin: 0; min-width: 0; max-width: 44rem; }
figcaption p { font-size: 0.9rem; line-height: 1.45; margin: 0.25rem 0 0.5rem; max-width: none; }
.legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; list-style: none; margin: 0 0 0.5rem; padding: 0; font-size: 0.88rem; }
.legend li { display: flex; align-items: center; gap: 0.45rem; overflow-wrap: anywhere; }
.legend svg { flex: none; }
.plot { display: block; width: 100%; height: auto; overflow: visible; }
.plot text, .plot tspan { white-space: pre; }
.narrow { display: none; }
details { font-size: 0.88rem; margin-top: 0.4rem; }
summary { cursor: pointer; color: var(--muted); width: max-content; }
.scroll { overflow-x: auto; margin: 0.75rem 0 0; }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 0.9rem 0.35rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 2px solid var(--rule); vertical-align: bottom; font-weight: 600; }
tbody th { font-weight: 400; }
thead th { white-space: normal; max-width: 11rem; }
td .dot { display: none; }
td .verdict { display: block; font-size: 0.85em; }
td.best { font-weight: 700; }
td.better { color: var(--good); }
td.worse { color: var(--bad); }
details table { font-size: 0.85rem; }
.note { font-size: 0.92rem; margin-top: 0.4rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.3rem 1.5rem; margin: 1rem 0; }
dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 0.8rem 1rem; overflow-x: auto; font-size: 0.88rem; line-height: 1.5; }
footer { color: var(--muted); font-size: 0.88rem; padding-top: 2rem; padding-bottom: 3rem; }
@media (max-width: 560px) {
  .wide { display: none; }
  .narrow { display: block; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.6rem; }
  th, td { padding-right: 0.7rem; }
}
@media print {
  body { background: white; }
  figure, .card, table { break-inside: avoid; }
  details { display: none; }
}
`;
