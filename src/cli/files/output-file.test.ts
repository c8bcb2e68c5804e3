/** A name shows a whole result or its previous content, whatever interrupts the writing. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder, prepareOutput, writeWhole, writeWholeText } from './output-file.ts';
import { writeText } from './text-file.ts';

const TEG = join(import.meta.dirname, '../../../bin/teg');
const root = mkdtempSync(join(tmpdir(), 'teg-output-'));
afterAll(() => rmSync(root, { recursive: true }));

let folder = '';
let count = 0;
beforeEach(() => {
  folder = join(root, `case-${count++}`);
  mkdirSync(folder);
});

async function* pieces(...texts: (string | Error)[]): AsyncGenerator<string, number> {
  for (const text of texts) {
    if (text instanceof Error) throw text;
    yield text;
  }
  return texts.length;
}

describe('a file', () => {
  test('is there when it is whole, and nothing else', async () => {
    await writeWholeText(join(folder, 'a'), 'text');
    expect(await writeText(join(folder, 'b.gz'), pieces('x', 'y'))).toBe(2);
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('text');
    expect(readdirSync(folder).sort()).toEqual(['a', 'b.gz']);
  });

  test('is not there while it is written', async () => {
    const path = join(folder, 'a');
    await writeWhole(path, async (file) => {
      await file.writeFile('half');
      expect(readdirSync(folder)).not.toContain('a');
    });
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('keeps its content if writing fails, and leaves no other file beside it', async () => {
    const path = join(folder, 'a');
    writeFileSync(path, 'before');
    await expect(writeText(path, pieces('half', new Error('broken off')))).rejects.toThrow('broken off');
    await expect(
      writeWhole(path, async (file) => {
        await file.writeFile('half');
        throw Object.assign(new Error('write'), { code: 'ENOSPC', syscall: 'write' });
      }),
    ).rejects.toMatchObject({ code: 'TEG_OUTPUT_FAILED', message: expect.stringContaining(`'${path}'`) });
    expect(readFileSync(path, 'utf8')).toBe('before');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('that is there keeps its mode, and a link its target', async () => {
    writeFileSync(join(folder, 'a'), 'before');
    chmodSync(join(folder, 'a'), 0o600);
    symlinkSync('a', join(folder, 'link'));
    await writeWholeText(join(folder, 'link'), 'after');
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('after');
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).sort()).toEqual(['a', 'link']);
  });

  test('a device is written to as it is', async () => {
    await writeWholeText('/dev/null', 'text');
    await prepareOutput('/dev/null');
    await expect(writeWholeText('/dev/full', 'text')).rejects.toMatchObject({
      code: 'TEG_OUTPUT_FAILED',
      message: expect.stringMatching(/^got ENOSPC: no space left on the device while writing '\/dev\/full'/),
    });
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  test.each([
    ['below a file', (path: string) => join(path, 'file', 'x'), /ENOTDIR/],
    ['in a folder that is missing', (path: string) => join(path, 'none', 'x'), /ENOENT: its folder/],
    ['that is a folder', (path: string) => path, /EISDIR: it is a folder/],
  ])('%s is refused with its name and cause', async (_, pathOf, cause) => {
    writeFileSync(join(folder, 'file'), '');
    const path = pathOf(folder);
    await expect(writeWholeText(path, 'x')).rejects.toMatchObject({
      code: 'TEG_OUTPUT_FAILED',
      message: expect.stringMatching(cause),
    });
    await expect(writeWholeText(path, 'x')).rejects.toThrow(`'${path}'`);
  });
});

describe('a folder', () => {
  test('is made with those above it', async () => {
    await makeFolder(join(folder, 'a/b'));
    await makeFolder(join(folder, 'a/b'));
    expect(statSync(join(folder, 'a/b')).isDirectory()).toBe(true);
  });

  test('is refused where a file is in the way', async () => {
    writeFileSync(join(folder, 'file'), '');
    for (const path of [join(folder, 'file'), join(folder, 'file/a/b')]) {
      await expect(makeFolder(path)).rejects.toMatchObject({
        code: 'TEG_OPTION_INVALID',
        message: `got the folder '${path}', but '${join(folder, 'file')}' is a file; expected a folder, there or to be made: name another`,
      });
    }
  });

  test('that cannot be made says why', async () => {
    await expect(makeFolder('/proc/teg/reports')).rejects.toMatchObject({
      code: 'TEG_OUTPUT_FAILED',
      message: expect.stringMatching(/^got E[A-Z]+.* while writing '\/proc\/teg'/),
    });
  });
});

/** Runs `teg` where no file may grow beyond n blocks of 512 bytes. */
function limited(blocks: number, ...args: string[]) {
  const script = `trap '' XFSZ; ulimit -f ${blocks}; exec "$@"`;
  const { status, stderr } = spawnSync('sh', ['-c', script, 'sh', process.execPath, TEG, ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, NODE_COMPILE_CACHE: undefined },
  });
  return { status, stderr };
}

describe('a command whose disk fills up', () => {
  const runs = ['--cluster', 'generated:openb:10', '--jobs', 'generated:300'];

  test.each([
    ['a page', ['compare', ...runs, '--policies', 'best-fit', '--seeds', '1-2', '--html', 'out']],
    ['claims', ['verify', 'T-01', '--html', 'out']],
    ['an event log', ['vopr', '--seed', '1', '--record', 'out']],
    ['CSV', ['trace', 'generate', 'jobs', 'out.csv', '--nodes', '10', '--jobs', '3000']],
    ['Parquet', ['trace', 'generate', 'jobs', 'out.parquet', '--nodes', '10', '--jobs', '30000']],
  ])('leaves no half of %s, and names the file', (_, args) => {
    const { status, stderr } = limited(1, ...args);
    expect(stderr).toMatch(/error TEG_OUTPUT_FAILED: got EFBIG.*while writing 'out/);
    expect(status).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('teg start keeps the reports that fit', () => {
    const args = [
      '--nodes',
      '20',
      '--jobs',
      '300',
      '--policies',
      'best-fit',
      '--seeds',
      '1',
      '--out',
      'reports',
    ];
    const { status, stderr } = limited(64, 'start', ...args);
    expect(stderr).toMatch(
      /error TEG_OUTPUT_FAILED: got EFBIG.*while writing 'reports\/start-.*\.(html|json)'/,
    );
    expect(status).toBe(1);
    const kept = readdirSync(join(folder, 'reports')).map((name) => name.replace(/^.*\./, ''));
    expect(kept).toContain('md');
    expect(kept).not.toContain('html');
  });
});
