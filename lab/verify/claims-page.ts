/**
 * The claims as one HTML page with plots, in the form of the other reports: no script, nothing loaded from elsewhere.
 */

import { decadeAxis } from '../../src/cli/report/axes.ts';
import type { Axis, LineChart } from '../../src/cli/report/chart.ts';
import { chartFigures } from '../../src/cli/report/chart-figures.ts';
import { STYLE } from '../../src/cli/report/html-style.ts';
import { html, type Markup, rawMarkup } from '../../src/cli/report/markup.ts';
import { plotSvg } from '../../src/cli/report/plot-svg.ts';
import { policyLook } from '../../src/cli/report/policy-look.ts';
import { type Check, type ClaimPlot, type ClaimResult, numberText, thresholdText } from '../claims/claim.ts';

/** Widths that each plot is drawn at; the page shows the one that fits. */
const WIDE = 620;
const NARROW = 350;

/** Lines of up to this many points show them as dots. */
const DOTS_MAX = 12;

/** @returns The page. @param seed The seed the results were measured with. */
export function claimsPage(results: readonly ClaimResult[], seed: number, version: string): string {
  const good = results.filter((result) => result.holds && result.negativeControlFails).length;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>TEG: claims and their tests</title>
<style>${rawMarkup(STYLE)}</style>
</head>
<body>
<main>
<header>
<h1>TEG: claims and their tests</h1>
<p class="lead"><strong>${good} of ${results.length}</strong> claims hold, and their negative controls fail as they must.</p>
<p>Each claim has a test with a threshold, and a control: the same measurement on something that
must not pass. Seed ${seed}.</p>
</header>
${results.map(section)}
</main>
<footer>Made by TEG ${version} with teg verify. This page is complete in itself: it loads nothing and runs nothing.</footer>
</body>
</html>
`.text;
}

function section(result: ClaimResult): Markup {
  const { claim, checks, controls, notes = [], plots = [] } = result;
  const good = result.holds && result.negativeControlFails;
  return html`<section id="${claim.test}">
<h2>${claim.test} ${claim.title}: <span class="${good ? 'good' : 'bad'}">${good ? 'holds' : 'does not hold'}</span></h2>
<p>${claim.claim}</p>
<p class="muted">Conditions: ${claim.conditions}</p>
<p class="muted">Not claimed: ${claim.notClaimed}</p>
<div class="scroll" tabindex="0"><table>
<thead><tr><th scope="col">measured</th><th scope="col">value</th><th scope="col">threshold</th><th scope="col">verdict</th></tr></thead>
<tbody>
${checks.map((check) => row(check.what, check, check.holds, check.holds ? 'holds' : 'does not hold'))}
${controls.map((check) =>
  row(
    `control: ${check.what}`,
    check,
    !check.holds,
    check.holds ? 'passes, but must not' : 'fails, as it must',
  ),
)}
</tbody></table></div>
${notes.map((note) => html`<p class="note">${note}</p>\n`)}
<div class="figures" style="max-width: 46rem">
${plots.map((plot, i) => figure(plot, `${claim.test}-plot-${i}`))}
</div>
</section>
`;
}

function row(what: string, check: Check, good: boolean, verdict: string): Markup {
  return html`<tr><th scope="row">${what}</th><td>${numberText(check.measured)}</td><td>${thresholdText(check)}</td><td class="${good ? 'better' : 'worse'}">${verdict}</td></tr>
`;
}

function figure(plot: ClaimPlot, id: string): Markup {
  const chart = chartOf(plot, id);
  const names = plot.series.map((series) => series.name);
  const { head, rows } = chartFigures(chart);
  return html`<figure id="${id}">
<figcaption><h3>${plot.title}</h3><p>${plot.reading}</p></figcaption>
<ul class="legend">${names.map((name, place) => legendItem(name, place))}</ul>
<div class="wide">${rawMarkup(plotSvg(chart, names, WIDE))}</div>
<div class="narrow">${rawMarkup(plotSvg(chart, names, NARROW))}</div>
<details><summary>Figures</summary><div class="scroll" tabindex="0"><table>
<thead><tr>${head.map((text) => html`<th scope="col">${text}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([first, ...rest]) =>
      html`<tr><th scope="row">${first}</th>${rest.map((text) => html`<td>${text}</td>`)}</tr>\n`,
  )}</tbody></table></div></details>
</figure>
`;
}

function legendItem(name: string, place: number): Markup {
  const { color, dash, width, opacity } = policyLook(place);
  return html`<li><svg width="30" height="10" aria-hidden="true"><line x1="0" y1="5" x2="30" y2="5" stroke="${color}" stroke-width="${width}" stroke-opacity="${opacity}"${
    dash === undefined ? '' : html` stroke-dasharray="${dash}"`
  }/></svg>${name}</li>`;
}

/** @returns The plot as the report's drawing takes it. */
function chartOf(plot: ClaimPlot, id: string): LineChart {
  const { series, rule } = plot;
  const xs = series.flatMap((line) => [...line.x]);
  const ys = [...series.flatMap((line) => [...line.y]), ...(rule === undefined ? [] : [rule.at])];
  const x = axisOf(plot.xLabel, xs, plot.xLog === true);
  const guides =
    rule === undefined
      ? []
      : [{ text: rule.text, at: x.domain.map((end): [number, number] => [end, rule.at]) }];
  return {
    kind: 'lines',
    id,
    title: plot.title,
    reading: plot.reading,
    x,
    y: axisOf(plot.yLabel, ys, plot.yLog === true),
    lines: series.map((line) => ({
      policy: line.name,
      points: line.x.map((at, i): [number, number] => [at, line.y[i] as number]),
    })),
    guides,
    dots: series.every((line) => line.x.length <= DOTS_MAX),
  };
}

function axisOf(label: string, values: readonly number[], isLog: boolean): Axis {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const format = numberText;
  if (isLog) return decadeAxis(label, least, most, format);
  const room = (most - least) * 0.04 || 1;
  const lower = least >= 0 && least < most / 2 ? 0 : least - room;
  return { label, scale: 'linear', domain: [lower, most + room], format };
}
