/**
 * Cuts YAML into its Kubernetes objects without holding the whole file: at document separators, and within a list (the
 * output of `kubectl get -o yaml`) at every item of the top-level `items:`.
 *
 * The cut is by indentation: in block style, everything that belongs to an item is indented deeper than its dash, block
 * scalars and continued plain scalars included. A list in flow style is one object and is bounded as such.
 */
import { TegError } from '../../model/errors.ts';
import type { ReadLimits } from '../format.ts';

/** One object as text. */
export interface ObjectText {
  readonly text: string;
  /** Line of the file where it begins, from 1. */
  readonly line: number;
}

/** Cutter; `push` every line, then `end`. Each call returns the objects that became complete. */
export class YamlSplitter {
  private readonly name: string;
  private readonly limits: ReadLimits;
  private lineNumber = 0;
  /** Lines of the document outside its items. */
  private envelope: string[] = [];
  private envelopeChars = 0;
  private envelopeLine = 1;
  private hasItems = false;
  /** Column of the dashes; −1: not in the items; −2: `items:` was the line before. */
  private itemColumn = -1;
  private item: string[] = [];
  private itemChars = 0;
  private itemLine = 0;

  constructor(name: string, limits: ReadLimits) {
    this.name = name;
    this.limits = limits;
  }

  /** Takes the next line. @throws TegError TEG_INPUT_TOO_LARGE. */
  push(line: string): ObjectText[] {
    this.lineNumber++;
    if (/^(---|\.\.\.)([ \t]|$)/.test(line)) {
      const objects = this.endDocument();
      const content = line.startsWith('-') ? line.slice(4).trim() : '';
      this.envelopeLine = this.lineNumber + (content === '' ? 1 : 0);
      if (content !== '') this.keep(content);
      return objects;
    }
    if (this.itemColumn !== -1) return this.pushInItems(line);
    if (/^(items|"items"|'items'):[ \t]*(#.*)?$/.test(line)) this.itemColumn = -2;
    else this.keep(line);
    return [];
  }

  /** Takes the end of the file. */
  end(): ObjectText[] {
    return this.endDocument();
  }

  private pushInItems(line: string): ObjectText[] {
    const indent = line.search(/[^ ]/);
    if (indent < 0 || (line[indent] === '#' && this.item.length === 0)) {
      this.keepInItem(line);
      return [];
    }
    const isDash = line[indent] === '-' && (line.length === indent + 1 || line[indent + 1] === ' ');
    if (this.itemColumn === -2 && isDash) this.itemColumn = indent;
    if (isDash && indent === this.itemColumn) {
      const objects = this.endItem();
      this.hasItems = true;
      this.itemLine = this.lineNumber;
      this.keepInItem(`${line.slice(0, indent)} ${line.slice(indent + 1)}`);
      return objects;
    }
    if (this.itemColumn >= 0 && (indent > this.itemColumn || line[indent] === '#')) {
      this.keepInItem(line);
      return [];
    }
    const wasStarted = this.itemColumn >= 0;
    const objects = this.endItem();
    this.itemColumn = -1;
    if (!wasStarted) this.keep('items:');
    this.keep(line);
    return objects;
  }

  private keepInItem(line: string): void {
    if (this.item.length === 0 && line.trim() === '') return;
    this.item.push(line);
    this.itemChars += line.length + 1;
    if (this.itemChars > this.limits.objectCharsMax) {
      throw this.tooLarge('an object of a list', this.itemLine, this.limits.objectCharsMax);
    }
  }

  private keep(line: string): void {
    this.envelope.push(line);
    this.envelopeChars += line.length + 1;
    if (this.envelopeChars > this.limits.objectCharsMax) {
      throw this.tooLarge('a document', this.envelopeLine, this.limits.objectCharsMax);
    }
  }

  private endItem(): ObjectText[] {
    const text = `${this.item.join('\n')}\n`;
    this.item = [];
    this.itemChars = 0;
    return text.trim() === '' ? [] : [{ text, line: this.itemLine }];
  }

  private endDocument(): ObjectText[] {
    const objects = this.endItem();
    const text = `${this.envelope.join('\n')}\n`;
    const isObject = !this.hasItems && this.envelope.some((line) => /^[^#\s%]/.test(line.trimStart()));
    if (isObject) objects.push({ text, line: this.envelopeLine });
    this.envelope = [];
    this.envelopeChars = 0;
    this.hasItems = false;
    this.itemColumn = -1;
    return objects;
  }

  private tooLarge(what: string, line: number, charsMax: number): TegError {
    return new TegError(
      'TEG_INPUT_TOO_LARGE',
      `${this.name}:${line}: got ${what} of more than ${charsMax} characters, expected the output of kubectl get -o yaml; use -o json for large clusters`,
    );
  }
}
