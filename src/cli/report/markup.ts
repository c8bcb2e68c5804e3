/** HTML as text that its contents cannot break: everything is escaped unless it is markup already. */

/** Text that is HTML already. Made by `html` and `rawMarkup` only. */
export class Markup {
  readonly text: string;

  /** @param text Well-formed HTML. */
  constructor(text: string) {
    this.text = text;
  }
}

/** Values of a template: text is escaped, markup is not, lists are joined, undefined is nothing. */
export type MarkupPart = string | number | Markup | readonly MarkupPart[] | undefined;

/** @returns Text that is safe between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** A template whose parts are escaped. */
export function html(strings: TemplateStringsArray, ...parts: readonly MarkupPart[]): Markup {
  return new Markup(strings.reduce((text, piece, i) => text + flatten(parts[i - 1]) + piece));
}

/** Takes text as HTML. Only for what was serialised by a document. */
export function rawMarkup(text: string): Markup {
  return new Markup(text);
}

function flatten(part: MarkupPart): string {
  if (part === undefined) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'string') return escapeHtml(part);
  if (typeof part === 'number') return String(part);
  return part.map(flatten).join('');
}
