/**
 * What a virtual machine of the tests is made of, and what of it this machine does not have: `test/guest/install` brings it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe } from 'vitest';
import { builtBinary, cacheFolder } from '../../../lab/control-plane/go-modules.ts';
import type { CpioEntry } from './cpio.ts';

/** Parts beyond a kernel, a busybox and Node.js. */
export type GuestPart = 'containerd' | 'runc' | 'criu' | 'kubelet';

/** Folder of the unpacked packages. */
const PACKAGES = join(dirname(cacheFolder()), 'guest');
const LIBRARIES = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu'].map((path) =>
  join(PACKAGES, 'libs', path),
);

/** Packages that `teg guard run` loads, with those that they load. */
export const GUARD_PACKAGES = closureOf([
  'commander',
  'zod',
  'yaml',
  'koffi',
  'string-width',
  'pino',
  'prom-client',
]);

const PROGRAMS: Readonly<Record<GuestPart, readonly string[]>> = {
  containerd: ['containerd', 'containerd-shim-runc-v2', 'ctr'].map((name) => `containerd/usr/bin/${name}`),
  runc: ['runc/usr/sbin/runc'],
  criu: ['criu/usr/sbin/criu'],
  kubelet: [],
};

/** @returns Why no guest with these parts can be started here; undefined: it can. */
export function missingForGuest(parts: readonly GuestPart[] = []): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on x64';
  const missing: string[] = [];
  if (onPath('qemu-system-x86_64') === undefined) missing.push('qemu-system-x86_64');
  if (busyboxPath() === undefined) missing.push('busybox-static');
  if (kernelImage() === undefined) missing.push('a kernel');
  for (const part of parts) {
    const isThere =
      part === 'kubelet'
        ? builtBinary('kubelet') !== undefined
        : existsSync(join(PACKAGES, part, '.complete'));
    if (!isThere) missing.push(part);
  }
  if (missing.length === 0) return undefined;
  return `${missing.join(', ')} not installed; test/guest/install does it, \`npm run cluster -- --build-only\` builds the kubelet`;
}

/**
 * `describe` that is skipped, with the reason in its title, where no guest can be started.
 *
 * @throws Error if something is missing and TEG_GUEST is `required`.
 */
export function describeWithGuest(name: string, parts: readonly GuestPart[], suite: () => void): void {
  const missing = missingForGuest(parts);
  if (missing !== undefined && process.env.TEG_GUEST === 'required') throw new Error(`'${name}': ${missing}`);
  describe.skipIf(missing !== undefined)(
    missing === undefined ? name : `${name} (skipped: ${missing})`,
    suite,
  );
}

/** @returns Path of the newest kernel in the cache. */
export function kernelImage(): string | undefined {
  const folder = join(PACKAGES, 'linux-image', 'boot');
  if (!existsSync(folder)) return undefined;
  const name = readdirSync(folder).find((file) => file.startsWith('vmlinuz-'));
  return name && join(folder, name);
}

/** @returns Modules of the kernel as `mod/NAME.ko`. @param names In any order. */
export function moduleEntries(names: readonly string[]): CpioEntry[] {
  const [version = ''] = readdirSync(join(PACKAGES, 'linux-image', 'lib', 'modules'));
  const folder = join(PACKAGES, 'linux-image', 'lib', 'modules', version, 'kernel');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.map((name) => {
    const path = files.find((file) => file.endsWith(`/${name}.ko`));
    if (path === undefined) throw new Error(`the kernel ${version} has no module ${name}`);
    return {
      path: `mod/${name}.ko`,
      kind: 'file',
      isExecutable: false,
      data: readFileSync(join(folder, path)),
    };
  });
}

/** @returns A static busybox. */
export function busyboxPath(): string | undefined {
  const path = onPath('busybox');
  // The dynamic one is another package, and lacks applets.
  return existsSync('/usr/share/doc/busybox-static') ? path : undefined;
}

/** @returns The first file of this name on the PATH. */
export function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/sbin');
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** @returns The programs of a part, in `usr/bin`, with their libraries. */
export function partEntries(part: GuestPart): CpioEntry[] {
  if (part === 'kubelet') return programEntries(builtBinary('kubelet') as string);
  return PROGRAMS[part].flatMap((path) => programEntries(join(PACKAGES, path)));
}

/** @returns A program in `usr/bin`, and the libraries that it loads. */
export function programEntries(path: string): CpioEntry[] {
  const name = path.split('/').at(-1) as string;
  return [fileEntry(`usr/bin/${name}`, path), ...libraryEntries(path)];
}

/** @returns A file of this machine as an executable one of the guest. */
export function fileEntry(path: string, source: string): CpioEntry {
  return { path, kind: 'file', isExecutable: true, data: readFileSync(source) };
}

function libraryEntries(path: string): CpioEntry[] {
  const env = { ...process.env, LD_LIBRARY_PATH: LIBRARIES.join(':') };
  let text: string;
  try {
    text = execFileSync('ldd', [path], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch {
    return []; // Static.
  }
  const missing = /^\s*(\S+) => not found/m.exec(text)?.[1];
  if (missing !== undefined)
    throw new Error(`${path} needs ${missing}: add its package to test/guest/install`);
  const found = [...text.matchAll(/(?:=> |^\s*)(\/\S+) \(/gm)].map((match) => match[1] as string);
  return found.map((library) => {
    const isLoader = library.startsWith('/lib64/');
    const name = library.split('/').at(-1) as string;
    return fileEntry(isLoader ? library.slice(1) : `lib/x86_64-linux-gnu/${name}`, library);
  });
}

/** @returns The packages and all that they depend on, as far as they are installed. */
function closureOf(names: readonly string[]): readonly string[] {
  const found = new Set(names);
  for (const name of found) {
    const file = join(import.meta.dirname, '..', '..', '..', 'node_modules', name, 'package.json');
    if (!existsSync(file)) found.delete(name);
    else {
      const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(file, 'utf8'));
      for (const other of Object.keys({ ...dependencies, ...optionalDependencies })) found.add(other);
    }
  }
  return [...found];
}
