/**
 * Replays the transcripts of the federation's protocol (`test/transcripts`); `test/support/transcript.ts` has the commands.
 *
 * If this fails after a change that was meant, run `UPDATE=1 npx vitest run test/transcripts.test.ts` and look at the diff. Only
 * commit the changes if you understand what caused them.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { replay, replayFile } from './support/transcript.ts';

const FOLDER = join(import.meta.dirname, 'transcripts');
const UPDATE = process.env.UPDATE === '1';

describe('the protocol goes as in', () => {
  const files = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.txt'))
    .sort();

  test('as many transcripts as there should be', () => {
    expect(files.length).toBeGreaterThanOrEqual(8);
  });

  test.each(files)('%s', (name) => {
    const { expected, actual } = replayFile(join(FOLDER, name), UPDATE);
    expect(actual).toBe(expected);
  });
});

describe('a transcript', () => {
  const SMALL = 'cluster zones=1\n----\n3 processes: zone 0, host 0, node 0\n';

  test('that says what happens stays as it is; one that says something else does not', () => {
    expect(replay(SMALL)).toBe(SMALL);
    expect(replay(SMALL.replace('3 processes', '4 processes'))).toBe(SMALL);
  });

  test('keeps its comments, and gets its output where it has none', () => {
    expect(replay('# Why.\ncluster zones=1\n\nwait 0.001\njobs')).toBe(
      `# Why.\n${SMALL}\nwait 0.001\njobs\n----\nno jobs\n`,
    );
  });

  test.each([
    ['wait 1', "expected 'cluster' first"],
    ['cluster zones=1\ndance', "got the command 'dance'"],
    ['cluster colour=blue', 'got colour=; expected an option'],
    ['cluster zones=1\nsubmit 1 gpus=3', 'got gpus=3; expected one of 0, 0.5, 1, 2, 4'],
    ['cluster zones=1\ndeliver offer', 'expected a message that is on its way'],
    ['cluster zones=1\nexit 5', 'job 5 does not run'],
    ['cluster zones=1\ncancel 5', 'no host knows job 5'],
  ])('with a mistake is refused: %s', (text, message) => {
    expect(() => replay(text)).toThrow(message);
  });
});
