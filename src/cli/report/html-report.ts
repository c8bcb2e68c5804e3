/** The report as one self-contained HTML page: no script, no network, no font, no image from elsewhere. */
import type { ComparisonResult } from '../../simulation/metrics/result.ts';
import { type Card, cardsOf } from './cards.ts';
import { type Chart, policiesIn } from './chart.ts';
import { chartFigures } from './chart-figures.ts';
import { chartsOf, shownPolicies } from './charts.ts';
import { type DuelTally, headline, keepUnits, type Sentence, tallies, tooFewSeeds } from './headline.ts';
import { STYLE } from './html-style.ts';
import { html, type Markup, type MarkupPart, rawMarkup } from './markup.ts';
import { plotSvg } from './plot-svg.ts';
import { policyLook } from './policy-look.ts';
import { clusterWords, reportFacts } from './report-facts.ts';
import { partialText, policyName, type ReportSource, subjectOf } from './report-source.ts';
import { type ReportTable, tablesOf, VERDICT_MARK } from './report-tables.ts';

/** Widths that each plot is drawn at; the page shows the one that fits. */
const WIDE = 620;
const NARROW = 350;

/** Keeps the page from loading or running anything, whatever the names in the data contain. */
const CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** @returns The page. */
export function htmlReport(source: ReportSource): string {
  const { result } = source;
  const policies = shownPolicies(source);
  const title = titleOf(result);
  const body = html`${cardsMarkup(cardsOf(result), policies)}
${verdictsMarkup(result)}
${chartsMarkup(chartsOf(source), policies)}
${tablesOf(result).map((table) => section(table.title, tableMarkup(table)))}
${factsMarkup(source)}`;
  return pageOf(title, headMarkup(result), body, source.version);
}

/** @returns A page of plots alone, with a sentence above them. */
export function chartPage(
  title: string,
  lead: string,
  charts: readonly Chart[],
  policies: readonly string[],
  version: string,
): string {
  return pageOf(title, html`<p class="lead">${lead}</p>`, chartsMarkup(charts, policies), version);
}

/** A whole page. @param lead Below its title. */
function pageOf(title: string, lead: MarkupPart, body: MarkupPart, version: string): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_POLICY}">
<title>${title}</title>
<style>${rawMarkup(STYLE)}</style>
</head>
<body>
<main>
<header>
<h1>${title}</h1>
${lead}
</header>
${body}
</main>
<footer>Made by TEG ${version}. This page is complete in itself: it loads nothing and runs nothing.</footer>
</body>
</html>
`;
  return page.text;
}

/** @returns For example `TEG against kube-scheduler and fgd on 2,000 nodes with 10,230 GPUs`. */
export function titleOf(result: ComparisonResult): string {
  const subject = subjectOf(result);
  const others = result.policies.filter((policy) => policy !== subject).map(policyName);
  const run = result.runs[0];
  const where = run === undefined ? '' : ` on ${clusterWords(run)}`;
  if (others.length === 0) return `${policyName(subject)}${where}`;
  const list = others.length === 1 ? others[0] : `${others.slice(0, -1).join(', ')} and ${others.at(-1)}`;
  return `${policyName(subject)} against ${list}${where}`;
}

function section(title: string, ...content: readonly MarkupPart[]): Markup {
  return html`<section>
<h2>${title}</h2>
${content}
</section>
`;
}

function sentenceMarkup(sentence: Sentence): MarkupPart {
  return sentence.map((part) =>
    typeof part === 'string' ? keepUnits(part) : html`<strong>${keepUnits(part.strong)}</strong>`,
  );
}

function headMarkup(result: ComparisonResult): Markup {
  const [first, ...rest] = headline(result);
  const lead =
    first === undefined
      ? html`<p class="lead">Stopped before any run had reached its end: there is nothing to compare yet.</p>`
      : html`<p class="lead">${sentenceMarkup(first)}</p>
<p class="more">${rest.map((sentence) => [sentenceMarkup(sentence), ' '])}</p>`;
  const how = partialText(result);
  const partial =
    how === undefined
      ? undefined
      : html`<p class="partial"><strong>Partial:</strong> ${keepUnits(how)}</p>
`;
  return html`${partial}${lead}`;
}

function cardsMarkup(cards: readonly Card[], policies: readonly string[]): MarkupPart {
  if (cards.length === 0) return undefined;
  const bar = (policy: string, length: number): Markup => {
    const { color } = policyLook(policies.indexOf(policy));
    return html`<div class="bar"><span style="width:${(length * 100).toFixed(1)}%;background:${color}"></span></div>`;
  };
  return html`<ul class="cards">
${cards.map(
  ({ title, hint, entries }) => html`<li class="card"><h3>${title} <small>${hint}</small></h3>
<ul>${entries.map(
    ({ policy, text, length, isBest }) => html`<li class="${isBest ? 'best' : 'other'}">
<div class="row"><span class="name">${policyName(policy)}</span><span class="value">${text}</span></div>${bar(policy, length)}</li>`,
  )}</ul></li>
`,
)}</ul>
`;
}

/** Wins and losses, or why they are not counted. */
function verdictsMarkup(result: ComparisonResult): MarkupPart {
  const all = tallies(result);
  if (all.length === 0 || result.metrics.length === 0) return undefined;
  const title = `Where ${policyName(subjectOf(result))} wins, and where it does not`;
  const few = tooFewSeeds(result);
  if (few !== undefined) return section(title, html`<p class="muted">${few}</p>`);
  return section(
    title,
    html`<p class="muted">Only what holds with ${Math.round(result.level * 100)} % confidence over ${result.seeds.length} seeds, each figure on its own.</p>
<div class="verdicts">${all.map((tally) => tallyMarkup(tally))}</div>`,
  );
}

function tallyMarkup({ other, better, worse, unclear }: DuelTally): Markup {
  const line = (name: string, kind: string, labels: readonly string[]): Markup =>
    html`<p><strong class="${labels.length > 0 ? kind : 'muted'}">${name} in ${labels.length}</strong>${labels.length > 0 ? `: ${labels.join('; ')}.` : '.'}</p>`;
  return html`<div><h3>against ${policyName(other)}</h3>
${line('Better', 'good', better)}
${line('Worse', 'bad', worse)}
${line('No clear difference', 'muted', unclear)}</div>
`;
}

function chartsMarkup(charts: readonly Chart[], policies: readonly string[]): MarkupPart {
  if (charts.length === 0) return undefined;
  return section(
    'Plots',
    html`<p class="muted">Where lines coincide, the dashed ones lie on the broad one.</p>
<div class="figures">
${charts.map((chart) => figureMarkup(chart, policies))}</div>`,
  );
}

function figureMarkup(chart: Chart, policies: readonly string[]): Markup {
  const { head, rows } = chartFigures(chart);
  const cells = rows.map((row) => row.map((text) => ({ text })));
  const table = { id: `${chart.id}-figures`, title: chart.title, note: '', head, rows: cells };
  return html`<figure id="${chart.id}">
<figcaption><h3>${chart.title}</h3>
<p>${chart.reading}</p>
${legendMarkup(chart, policies)}</figcaption>
<div class="wide">${rawMarkup(plotSvg(chart, policies, WIDE))}</div>
<div class="narrow">${rawMarkup(plotSvg(chart, policies, NARROW))}</div>
<details><summary>The figures</summary>${tableMarkup(table)}</details>
</figure>
`;
}

function legendMarkup(chart: Chart, policies: readonly string[]): Markup {
  const entries = policiesIn(chart, policies).map((policy) => {
    const { color, dash, width, opacity } = policyLook(policies.indexOf(policy));
    return html`<li>${lineSample(color, dash, width, opacity)}${policy}</li>`;
  });
  const extra: Markup[] = [];
  if (chart.kind === 'lines') {
    if (chart.area !== undefined) {
      extra.push(
        html`<li><svg width="30" height="10" aria-hidden="true"><rect width="30" height="10" fill="var(--area)" stroke="var(--guide)" stroke-width="0.5"/></svg>${chart.area.text}</li>`,
      );
    }
    for (const { at, text } of chart.guides) {
      if (typeof at !== 'number') extra.push(html`<li>${lineSample('var(--guide)', '1 4', 1.6)}${text}</li>`);
    }
  }
  return html`<ul class="legend">${entries}${extra}</ul>`;
}

function lineSample(color: string, dash: string | undefined, width: number, opacity = 1): Markup {
  const dashes = dash === undefined ? undefined : html` stroke-dasharray="${dash}"`;
  return html`<svg width="30" height="10" aria-hidden="true"><line x1="1" x2="29" y1="5" y2="5" stroke="${color}" stroke-width="${width}" stroke-opacity="${opacity}" stroke-linecap="butt"${dashes}/></svg>`;
}

function tableMarkup({ title, note, head, rows }: ReportTable): Markup {
  return html`${note === '' ? undefined : html`<p class="note">${note}</p>`}<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table>
<thead><tr>${head.map((text) => html`<th scope="col">${text}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([first, ...rest]) => html`<tr><th scope="row">${first?.text}</th>${rest.map(({ text, tone }) =>
      tone === undefined
        ? html`<td>${cellMarkup(text)}</td>`
        : html`<td class="${tone}">${cellMarkup(text)}</td>`,
    )}</tr>
`,
  )}</tbody></table></div>`;
}

/** A difference, and below it its verdict. */
function cellMarkup(text: string): MarkupPart {
  const [figure = '', verdict] = text.split(VERDICT_MARK);
  if (verdict === undefined) return signed(text);
  return html`${signed(figure)}<span class="dot">${VERDICT_MARK}</span><span class="verdict">${verdict}</span>`;
}

/** A minus as wide as a plus. */
function signed(text: string): string {
  return text.replace(/^-(?=\d)/, '−');
}

function factsMarkup(source: ReportSource): Markup {
  const { notes } = source.result;
  return section(
    'The run',
    html`<dl>${reportFacts(source).map(([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>`)}</dl>
<p>To make it again:</p>
<pre><code>${source.command}</code></pre>
`,
    notes.length === 0
      ? undefined
      : html`<p>To know before believing the figures:</p>
<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`,
  );
}
