/** The report as Markdown: sentences, tables, facts. The plots are on the page only. */
import { type DuelTally, headline, type Sentence, tallies, tooFewSeeds } from './headline.ts';
import { titleOf } from './html-report.ts';
import { reportFacts } from './report-facts.ts';
import { partialText, policyName, type ReportSource, subjectOf } from './report-source.ts';
import { type ReportTable, tablesOf } from './report-tables.ts';

/** @returns The document. */
export function markdownReport(source: ReportSource): string {
  const { result } = source;
  const [first, ...rest] = headline(result);
  const partial = partialText(result);
  const blocks = [
    `# ${escapeMarkdown(titleOf(result))}`,
    partial === undefined ? '' : `> **Partial:** ${escapeMarkdown(partial)}`,
    first === undefined
      ? 'No run had reached its end: there is nothing to compare.'
      : sentenceMarkdown(first),
    rest.map(sentenceMarkdown).join(' '),
    verdictsMarkdown(source),
    ...tablesOf(result).map(tableMarkdown),
    '## The run',
    reportFacts(source)
      .map(([name, text]) => `- ${name}: ${escapeMarkdown(text)}`)
      .join('\n'),
    'To make it again:',
    codeBlock(source.command),
    result.notes.length === 0
      ? ''
      : `To know before believing the figures:\n\n${result.notes.map((note) => `- ${escapeMarkdown(note)}`).join('\n')}`,
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

/** @returns Text in one line in which no character is special to Markdown or HTML. */
export function escapeMarkdown(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').replace(/[\\`*_[\]<>|#~]/g, '\\$&');
}

function sentenceMarkdown(sentence: Sentence): string {
  return sentence
    .map((part) => (typeof part === 'string' ? escapeMarkdown(part) : `**${escapeMarkdown(part.strong)}**`))
    .join('');
}

function verdictsMarkdown({ result }: ReportSource): string {
  const all = tallies(result);
  if (all.length === 0 || result.metrics.length === 0) return '';
  const subject = policyName(subjectOf(result));
  const few = tooFewSeeds(result);
  return [
    `## Where ${escapeMarkdown(subject)} wins, and where it does not`,
    ...(few === undefined ? all.map(tallyMarkdown) : [escapeMarkdown(few)]),
  ].join('\n\n');
}

function tallyMarkdown({ other, better, worse, unclear }: DuelTally): string {
  const line = (name: string, labels: readonly string[]): string =>
    `- ${name} in ${labels.length}${labels.length > 0 ? `: ${labels.map(escapeMarkdown).join('; ')}` : ''}`;
  return [
    `Against ${escapeMarkdown(policyName(other))}:\n`,
    line('better', better),
    line('worse', worse),
    line('no clear difference', unclear),
  ].join('\n');
}

function tableMarkdown({ title, note, head, rows }: ReportTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    `## ${title}`,
    '',
    escapeMarkdown(note),
    '',
    line(head.map(escapeMarkdown)),
    line(head.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...rows.map((row) =>
      line(
        row.map(({ text, tone }) => (tone === 'best' ? `**${escapeMarkdown(text)}**` : escapeMarkdown(text))),
      ),
    ),
  ].join('\n');
}

/** A fence longer than any in the text. */
function codeBlock(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}sh\n${text}\n${fence}`;
}
