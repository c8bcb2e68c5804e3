/**
 * Cuts JSON into its Kubernetes objects without holding the whole file: every element of a top-level `items` array (or
 * of a top-level array), and every top-level object without one. A sequence of several values is accepted as well.
 *
 * It only counts brackets and strings; the parser decides whether a piece is JSON.
 */
import { TegError } from '../../model/errors.ts';
import type { ReadLimits } from '../format.ts';
import type { ObjectText } from './split-yaml.ts';

const NEWLINE = 10;
const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** Splits text: `push` it in pieces of any size, then call `end`. Each call returns the objects that became complete. */
export class JsonSplitter {
  private readonly name: string;
  private readonly limits: ReadLimits;
  private line = 1;
  private depth = 0;
  private inString = false;
  private isEscaped = false;
  /** The last string at depth 1, cut at six characters, and the key that it became. */
  private string = '';
  private key = '';
  /** Text of the piece in progress: an element of the list, or the value around it. */
  private held: string[] = [];
  private heldChars = 0;
  private heldLine = 1;
  /** Depth inside an element of the list; 0: no list met in this value. */
  private elementDepth = 0;
  private isInElement = false;

  constructor(name: string, limits: ReadLimits) {
    this.name = name;
    this.limits = limits;
  }

  /** Takes more text. @throws TegError TEG_INPUT_TOO_LARGE. */
  push(text: string): ObjectText[] {
    const objects: ObjectText[] = [];
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (this.inString) {
        this.stepInString(code, text, i);
      } else if (code === QUOTE) {
        this.inString = true;
        this.string = '';
      } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
        from = this.open(code, text, i, from);
      } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
        from = this.close(text, i, from, objects);
      } else if (this.depth === 1) {
        if (code === COLON) this.key = this.string;
        else if (code === COMMA) this.key = '';
      }
      if (code === NEWLINE) this.line++;
    }
    this.hold(text.slice(from));
    return objects;
  }

  /** Takes the end of the file. An incomplete rest is returned, so that its error is reported. */
  end(): ObjectText[] {
    const text = this.held.join('').trim();
    const isWhole = this.depth === 0 && text === '';
    return isWhole ? [] : [{ text: text === '' ? '(end of file)' : text, line: this.heldLine }];
  }

  private stepInString(code: number, text: string, i: number): void {
    if (this.isEscaped) {
      this.isEscaped = false;
    } else if (code === BACKSLASH) {
      this.isEscaped = true;
    } else if (code === QUOTE) {
      this.inString = false;
      return;
    }
    if (this.depth === 1 && this.string.length < 6) this.string += text[i];
  }

  /** @returns Where the text that is not yet held begins. */
  private open(code: number, text: string, i: number, from: number): number {
    const isList = code === OPEN_BRACKET && (this.depth === 0 || (this.depth === 1 && this.key === 'items'));
    this.depth++;
    if (isList && this.elementDepth === 0) {
      this.elementDepth = this.depth + 1;
      this.drop();
      return i + 1;
    }
    if (this.elementDepth > 0 && this.depth === this.elementDepth && !this.isInElement) {
      this.drop();
      this.isInElement = true;
      return i;
    }
    if (this.depth === 1) {
      this.hold(text.slice(from, i));
      return i;
    }
    return from;
  }

  /** @returns Where the text that is not yet held begins. */
  private close(text: string, i: number, from: number, objects: ObjectText[]): number {
    this.depth--;
    if (this.isInElement && this.depth === this.elementDepth - 1) {
      this.hold(text.slice(from, i + 1));
      objects.push(this.take());
      this.isInElement = false;
      return i + 1;
    }
    // The list has ended: nothing deeper in the value around it is an element any more.
    if (this.elementDepth > 0 && this.depth === this.elementDepth - 2) this.elementDepth = Number.MAX_VALUE;
    if (this.depth > 0) return from;
    this.hold(text.slice(from, i + 1));
    const value = this.take();
    if (this.elementDepth === 0 || this.depth < 0) objects.push(value);
    this.depth = 0;
    this.elementDepth = 0;
    this.key = '';
    return i + 1;
  }

  private hold(text: string): void {
    if (this.held.length === 0) {
      if (text.trim() === '') return;
      this.heldLine = this.line;
    }
    this.held.push(text);
    this.heldChars += text.length;
    const charsMax = this.limits.objectCharsMax;
    if (this.heldChars <= charsMax) return;
    throw new TegError(
      'TEG_INPUT_TOO_LARGE',
      `${this.name}:${this.heldLine}: got an object of more than ${charsMax} characters, expected the output of kubectl get -o json; split the file`,
    );
  }

  private take(): ObjectText {
    const object = { text: this.held.join(''), line: this.heldLine };
    this.drop();
    return object;
  }

  private drop(): void {
    this.held = [];
    this.heldChars = 0;
    this.heldLine = this.line;
  }
}
