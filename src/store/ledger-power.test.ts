/**
 * A loss of power: the writes of a ledger are recorded with strace, and every moment of the run is made into files as a disk may
 * have left them: of the writes since the last fsync of a file some are there, some are not, and some are torn at 512 bytes.
 *
 * Creating and removing files is taken as ordered and immediate, as journalling file systems do it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Random } from '../kernel/random.ts';
import { hashText } from '../market/hash-chain.ts';
import { verifyLedger } from '../market/verify-ledger.ts';
import type { WriterOrders } from './ledger-writer.fixtures.ts';
import { SqliteLedgerStore } from './sqlite-ledger-store.ts';

const WRITER = join(import.meta.dirname, 'ledger-writer.fixtures.ts');
const SECTOR_BYTES = 512;
const IMAGES_PER_MOMENT = 4;
const folder = mkdtempSync(join(tmpdir(), 'teg-power-'));
afterAll(() => rmSync(folder, { recursive: true }));
const canTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;

/** One write that the disk may not have done yet. */
interface Write {
  readonly offset: number;
  readonly data: Buffer;
}

/** A file: what is surely on the disk, and what may be. A length that was cut is a write of its own kind. */
interface DiskFile {
  durable: Buffer;
  waiting: (Write | { readonly length: number })[];
}

/** Writes into contents, which grow as needed. */
function written(contents: Buffer, { offset, data }: Write): Buffer {
  const grown = Buffer.alloc(Math.max(contents.length, offset + data.length));
  contents.copy(grown);
  data.copy(grown, offset);
  return grown;
}

/** What a disk may hold of a file: `share` of what waits, in sectors. */
function imageOf({ durable, waiting }: DiskFile, rng: Random, share: number): Buffer {
  let contents = durable;
  for (const change of waiting) {
    if ('length' in change) {
      if (rng.nextFloat() < share) contents = contents.subarray(0, change.length);
      continue;
    }
    for (let at = 0; at < change.data.length; at += SECTOR_BYTES) {
      if (rng.nextFloat() >= share) continue;
      contents = written(contents, {
        offset: change.offset + at,
        data: change.data.subarray(at, at + SECTOR_BYTES),
      });
    }
  }
  return contents;
}

/** The disk and what was acknowledged, moment by moment. */
class Disk {
  readonly files = new Map<string, DiskFile>();
  readonly acks = new Map<number, string>();
  private readonly names = new Map<string, string>();
  private readonly name: string;

  /** @param name Of the ledger's file; others count if their name begins with it. */
  constructor(name: string) {
    this.name = name;
  }

  /** Does one line of the trace. @returns Whether it concerns the ledger. */
  step(line: string): boolean {
    const [, call = '', rest = '', result = ''] = /^(\w+)\((.*)\)\s+= (-?\d+)/.exec(line) ?? [];
    const text = (/"([^"]*)"/.exec(rest)?.[1] ?? '').replaceAll('\\x', '');
    const data = Buffer.from(text, 'hex');
    const fd = /^\d+/.exec(rest)?.[0] ?? '';
    if (call === 'openat') return this.open(basename(data.toString()), result);
    if (call === 'unlink') return this.files.delete(basename(data.toString()));
    if (call === 'write' && fd === '1') return this.acknowledge(data.toString());
    const file = this.files.get(this.names.get(fd) ?? '');
    if (file === undefined) return false;
    if (call === 'pwrite64') file.waiting.push({ offset: Number(/, (\d+)$/.exec(rest)?.[1]), data });
    else if (call === 'ftruncate') file.waiting.push({ length: Number(/, (\d+)$/.exec(rest)?.[1]) });
    else if (call === 'fsync' || call === 'fdatasync') {
      file.durable = imageOf(file, new Random(0), 2);
      file.waiting = [];
    } else return false;
    return true;
  }

  private open(name: string, fd: string): boolean {
    this.names.set(fd, name);
    if (!name.startsWith(this.name) || Number(fd) < 0) return false;
    if (!this.files.has(name)) this.files.set(name, { durable: Buffer.alloc(0), waiting: [] });
    return true;
  }

  private acknowledge(line: string): boolean {
    const [number, hash = ''] = line.trim().split(' ');
    this.acks.set(Number(number), hash);
    return true;
  }
}

/** @returns What is wrong with the ledger on a disk, '' if nothing is. */
function problemOf(name: string, disk: Disk, rng: Random, share: number): string {
  const place = mkdtempSync(join(folder, 'image-'));
  try {
    for (const [file, contents] of disk.files)
      writeFileSync(join(place, file), imageOf(contents, rng, share));
    const store = new SqliteLedgerStore(join(place, name));
    const batches = [...store.read()];
    store.close();
    for (const [number, hash] of disk.acks) {
      const { hash: held } = batches[number] ?? {};
      if (held === undefined || hashText(held) !== hash)
        return `batch ${number} was acknowledged and is lost`;
    }
    return verifyLedger(batches).fault?.what ?? '';
  } catch (error) {
    return String(error);
  } finally {
    rmSync(place, { recursive: true });
  }
}

/** Records a run and looks at each of its moments. */
function problems(
  name: string,
  orders: Partial<WriterOrders>,
): { images: number; acks: number; problems: string[] } {
  const trace = join(folder, `${name}.trace`);
  const calls = 'trace=openat,pwrite64,write,fsync,fdatasync,ftruncate,unlink';
  const all: WriterOrders = { path: join(folder, name), seed: 6, calls: 24, group: 3, ...orders };
  const command = [
    '-xx',
    '-s',
    '70000',
    '-o',
    trace,
    '-e',
    calls,
    process.execPath,
    WRITER,
    JSON.stringify(all),
  ];
  const { status, stderr } = spawnSync('strace', command, { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  const disk = new Disk(name);
  const rng = new Random(9);
  const found: string[] = [];
  let images = 0;
  for (const line of readFileSync(trace, 'utf8').split('\n')) {
    if (!disk.step(line)) continue;
    for (let image = 0; image < IMAGES_PER_MOMENT; image++, images++) {
      const problem = problemOf(name, disk, rng, image / (IMAGES_PER_MOMENT - 1));
      if (problem !== '') found.push(problem);
    }
  }
  return { images, acks: disk.acks.size, problems: found };
}

describe.skipIf(!canTrace)('power that fails at any moment', () => {
  test('loses nothing that was acknowledged, and leaves a right ledger', () => {
    const outcome = problems('power.ledger', {});
    expect(outcome.problems).toEqual([]);
    expect(outcome.images).toBeGreaterThan(200);
    expect(outcome.acks).toBeGreaterThan(5);
  });

  test('negative control: with synchronous = OFF acknowledged batches are lost', () => {
    const outcome = problems('careless.ledger', { isDurable: false });
    expect(outcome.problems.filter((problem) => problem.includes('acknowledged')).length).toBeGreaterThan(10);
  });
});
