import stringWidth from 'string-width';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { formatTable, printTable } from './table.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const POLICIES = [{ header: 'policy' }, { header: 'alloc' }, { header: 'nodes' }];

describe('formatTable', () => {
  test('aligns numbers right and text left', () => {
    const text = formatTable(POLICIES, [
      ['teg', 95.123, 1200],
      ['best-fit', 9.5, 7],
    ]);
    expect(text.split('\n')).toEqual([
      'policy    alloc  nodes',
      '────────  ─────  ─────',
      'teg       95.12  1,200',
      'best-fit   9.50      7',
    ]);
  });

  test('a missing or unknown value is a dash and keeps the column a number column', () => {
    const text = formatTable(POLICIES, [
      ['a', undefined, Number.NaN],
      ['b', 1, 22],
    ]);
    expect(text.split('\n')).toEqual([
      'policy  alloc  nodes',
      '──────  ─────  ─────',
      'a           –      –',
      'b           1     22',
    ]);
  });

  test('aligns by display width, not by length', () => {
    const rows = [
      ['東京', 1],
      ['naïve', 22],
      ['e\u0301', 333],
      ['👩‍👩‍👧', 4],
    ] as const;
    const lines = formatTable([{ header: 'tenant' }, { header: 'n' }], rows).split('\n');
    expect(lines.map((line) => stringWidth(line))).toEqual(lines.map(() => 11));
  });

  test('a name with control characters cannot break the table', () => {
    const text = formatTable([{ header: 'name' }], [['a\nb\u001b[2J']]);
    expect(text.split('\n')).toHaveLength(3);
    expect(text).not.toContain('\u001b');
  });

  test('cuts text columns to the width that there is, and never numbers', () => {
    const rows = [['a very long name of a policy indeed', 123_456]];
    const text = formatTable([{ header: 'policy' }, { header: 'count' }], rows, { widthMax: 30 });
    const lines = text.split('\n');
    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBe(30);
    expect(lines[2]).toBe('a very long name of …  123,456');
  });

  test('a column set not to shrink stays whole', () => {
    const columns = [{ header: 'code', shrink: false }, { header: 'meaning' }];
    const text = formatTable(columns, [['TEG_OPTION_INVALID', 'x'.repeat(60)]], { widthMax: 40 });
    expect(text).toContain('TEG_OPTION_INVALID  xxx');
  });

  test('paints the head and one row when asked', () => {
    const text = formatTable([{ header: 'a' }], [['x'], ['y']], { boldRow: 1, title: 'T' }, true);
    const lines = text.split('\n');
    expect(lines[0]).toBe('T');
    expect(lines[1]).toBe('\u001b[1ma\u001b[22m');
    expect(lines[3]).toBe('x');
    expect(lines[4]).toBe('\u001b[1my\u001b[22m');
  });

  test('columns without rows', () => {
    expect(formatTable([{ header: 'a' }, { header: 'bb' }], []).split('\n')).toEqual(['a  bb', '─  ──']);
  });
});

describe('printTable', () => {
  function stream(
    isTTY: boolean,
    columns?: number,
  ): { isTTY: boolean; columns?: number; text: string; write(t: string): void } {
    return {
      isTTY,
      ...(columns === undefined ? {} : { columns }),
      text: '',
      write(text) {
        this.text += text;
      },
    };
  }
  const rows = [['x'.repeat(100), 1]];

  test('is plain and whole when piped', () => {
    vi.stubEnv('FORCE_COLOR', undefined);
    const piped = stream(false);
    printTable([{ header: 'a' }, { header: 'b' }], rows, { stream: piped });
    expect(piped.text).not.toContain('\u001b');
    expect(piped.text).toContain('x'.repeat(100));
    expect(piped.text.endsWith('1\n')).toBe(true);
  });

  test('follows the width and colour of a terminal', () => {
    vi.stubEnv('FORCE_COLOR', undefined);
    vi.stubEnv('NO_COLOR', undefined);
    vi.stubEnv('TERM', 'xterm');
    const terminal = stream(true, 40);
    printTable([{ header: 'a' }, { header: 'b' }], rows, { stream: terminal });
    expect(terminal.text).toContain('\u001b[1m');
    expect(Math.max(...terminal.text.split('\n').map((line) => stringWidth(line)))).toBe(40);
  });

  test('NO_COLOR wins', () => {
    vi.stubEnv('FORCE_COLOR', '1');
    vi.stubEnv('NO_COLOR', '1');
    const terminal = stream(true, 80);
    printTable([{ header: 'a' }, { header: 'b' }], rows, { stream: terminal });
    expect(terminal.text).not.toContain('\u001b');
  });
});
