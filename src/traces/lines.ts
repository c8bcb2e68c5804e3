/**
 * Cuts a stream of bytes into lines of text, with a bound on the length of one line.
 */
import { TegError } from '../model/errors.ts';

/**
 * Reads lines in batches, one batch a chunk of input.
 *
 * Why batches: an asynchronous step costs about as much as parsing a short row.
 *
 * @param name   For messages.
 * @param chunks UTF-8 bytes; a byte order mark is dropped; bytes that are not UTF-8 become U+FFFD.
 * @param lineCharsMax Characters of a line without its end.
 * @returns Lines without `\n` or `\r\n`; a last line without an end counts if it is not empty.
 * @throws TegError TEG_INPUT_TOO_LARGE if a line is longer than `lineCharsMax`.
 */
export async function* readLines(
  name: string,
  chunks: AsyncIterable<Uint8Array>,
  lineCharsMax: number,
): AsyncGenerator<string[]> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  let lineNumber = 0;
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i] as string;
      if (line.length > lineCharsMax) throw tooLong(name, lineNumber + i + 1, lineCharsMax);
      if (line.endsWith('\r')) lines[i] = line.slice(0, -1);
    }
    lineNumber += lines.length;
    if (rest.length > lineCharsMax) throw tooLong(name, lineNumber + 1, lineCharsMax);
    if (lines.length > 0) yield lines;
  }
  rest += decoder.decode();
  if (rest.endsWith('\r')) rest = rest.slice(0, -1);
  if (rest !== '') yield [rest];
}

function tooLong(name: string, line: number, lineCharsMax: number): TegError {
  return new TegError(
    'TEG_INPUT_TOO_LARGE',
    `${name}:${line}: got a line of more than ${lineCharsMax} characters, expected a text file with lines; check that the file has the format given by --format`,
  );
}

/** @returns A copy of a text that does not keep the larger text alive that it was cut from. */
export function detached(text: string): string {
  return text.length < 13 ? text : Buffer.from(text, 'utf8').toString('utf8');
}
