/** Programs that grow until memory is gone, each in its own way. Each prints `done CHECKSUM enomem N` once it has what it wants. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A kind of growth. */
export type LoadName = 'touch' | 'touch-thp' | 'read' | 'tmpfs' | 'fork' | 'node' | 'python';

/** What a program ends with. */
export interface LoadEnd {
  /** Sum of one byte a MiB: the work is whole if it equals the MiB asked for. */
  readonly checksum: number;
  /** Charges refused with ENOMEM. */
  readonly enomem: number;
}

/** @returns The end in a program's output; undefined: it did not come to its end. */
export function loadEndOf(output: string): LoadEnd | undefined {
  const [, checksum, enomem] = /^done (\d+) enomem (\d+)$/m.exec(output) ?? [];
  return checksum === undefined ? undefined : { checksum: Number(checksum), enomem: Number(enomem) };
}

/** Programs, compiled into a folder. */
export class GuardLoads {
  private readonly folder: string;
  /** Undefined: there is no compiler. */
  private readonly program: string | undefined;

  /** @param folder Exists; the compiled program goes there. */
  constructor(folder: string) {
    this.folder = folder;
    this.program = compile(folder);
  }

  /** Why a kind cannot run here; undefined: it can. */
  missing(load: LoadName): string | undefined {
    if (load === 'node') return undefined;
    if (load === 'python') return isThere('python3') ? undefined : 'there is no python3';
    return this.program === undefined ? 'there is no C compiler (gcc or cc)' : undefined;
  }

  /** @param mib Wanted. @param mibPerSecond Infinity: as fast as it can. */
  command(load: LoadName, mib: number, mibPerSecond: number): readonly string[] {
    const rate = Number.isFinite(mibPerSecond) ? String(mibPerSecond) : '0';
    if (load === 'node') return [process.execPath, '-e', NODE_PROGRAM, String(mib)];
    if (load === 'python') return ['python3', '-c', PYTHON_PROGRAM, String(mib)];
    return [this.program as string, load, String(mib), rate, join(this.folder, `tmpfs-${process.pid}`)];
  }
}

function isThere(name: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function compile(folder: string): string | undefined {
  const compiler = ['gcc', 'cc'].find(isThere);
  if (compiler === undefined) return undefined;
  const source = join(folder, 'load.c');
  writeFileSync(source, C_PROGRAM);
  execFileSync(compiler, ['-O2', '-o', join(folder, 'load'), source]);
  return join(folder, 'load');
}

/**
 * touch: pages of an anonymous mapping; read: read(2) into fresh pages, with a fork every 8 MiB; tmpfs: a file in memory; fork: nothing but
 * processes, each of which writes to its copy of one MiB and stays. Killed if one of them is.
 */
const C_PROGRAM = `
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (1l << 20)

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int forks(long mib, char *block) {
  long enomem = 0, sum = 0;
  int gate[2], status, killed = 0;
  if (pipe(gate) != 0) return 2;
  for (long i = 0; i < mib;) {
    pid_t child = fork();
    if (child == 0) {
      char byte;
      close(gate[1]);
      memset(block, 2, MIB);
      _exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);
    }
    if (child < 0) {
      enomem++;
      usleep(1000);
    } else i++;
  }
  close(gate[1]);
  while (wait(&status) > 0) {
    if (WIFSIGNALED(status)) killed = 1;
    else sum++;
  }
  if (killed) raise(SIGKILL);
  printf("done %ld enomem %ld\\n", sum, enomem);
  return 0;
}

int main(int argc, char **argv) {
  const char *mode = argv[1];
  long mib = atol(argv[2]), rate = atol(argv[3]), enomem = 0, sum = 0;
  double began = now();
  int zero = open("/dev/zero", O_RDONLY), file = -1;
  char *memory = mmap(0, mib * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  static char block[MIB];
  memset(block, 1, MIB);
  if (argc < 5 || zero < 0 || memory == MAP_FAILED) return 2;
  if (!strcmp(mode, "fork")) return forks(mib, block);
  if (!strcmp(mode, "touch-thp")) madvise(memory, mib * MIB, MADV_HUGEPAGE);
  if (!strcmp(mode, "tmpfs")) {
    file = memfd_create("load", 0);
    if (file < 0) return 2;
  }
  for (long i = 0; i < mib;) {
    if (rate > 0 && i > rate * (now() - began)) {
      usleep(500);
      continue;
    }
    if (file >= 0) {
      if (pwrite(file, block, MIB, i * MIB) != MIB) {
        enomem++;
        usleep(1000);
        continue;
      }
    } else if (!strcmp(mode, "read")) {
      if (read(zero, memory + i * MIB, MIB) != MIB) {
        enomem++;
        usleep(1000);
        continue;
      }
      memory[i * MIB + 7] = 1;
      if (i % 8 == 0) {
        pid_t child = fork();
        if (child == 0) _exit(0);
        if (child < 0) enomem++;
        else waitpid(child, 0, 0);
      }
    } else memset(memory + i * MIB, 1, MIB);
    i++;
  }
  for (long i = 0; i < mib; i++) {
    if (file >= 0) {
      char byte = 0;
      if (pread(file, &byte, 1, i * MIB + 7) == 1) sum += byte;
    } else sum += memory[i * MIB + 7];
  }
  printf("done %ld enomem %ld\\n", sum, enomem);
  return 0;
}
`;

/** An application that starts a program every 16 MiB, and ends with an error when it cannot. */
const NODE_PROGRAM = `
const { execFileSync } = require('node:child_process');
const mib = Number(process.argv[1]);
const kept = [];
function step() {
  for (let i = 0; i < 16 && kept.length < mib; i++) kept.push(Buffer.alloc(1048576, 1));
  execFileSync('true');
  if (kept.length < mib) setImmediate(step);
  else process.stdout.write('done ' + kept.reduce((sum, part) => sum + part[7], 0) + ' enomem 0\\n');
}
step();
`;

const PYTHON_PROGRAM = `
import sys
kept = [bytearray(b"\\x01") * 1048576 for _ in range(int(sys.argv[1]))]
print("done", sum(part[7] for part in kept), "enomem 0")
`;
