/**
 * The file system of a guest: a busybox, Node.js, this project's sources under `/teg`, and what a test adds. Its first process
 * is a shell script that mounts pure cgroup v2, runs the program and switches the machine off.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type CpioEntry, writeCpio } from './cpio.ts';
import {
  busyboxPath,
  fileEntry,
  type GuestPart,
  moduleEntries,
  onPath,
  partEntries,
  programEntries,
} from './guest-parts.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

const APPLETS =
  'sh mount umount mkdir cat echo ls sleep insmod mknod mkswap swapon mke2fs poweroff ps kill free dmesg dd date nice sed cut grep du tar tail head tr rm ln cp mv touch sync setsid ip test true env find wc awk httpd nc wget mountpoint truncate chmod';

/** What a guest has beside a busybox, Node.js and the project. */
export interface InitramfsOptions {
  /** Path of the program in the project: TypeScript. */
  readonly program: string;
  readonly parts?: readonly GuestPart[];
  /** Modules of the kernel, in the order in which they are inserted. */
  readonly modules?: readonly string[];
  /** Packages of `node_modules`. */
  readonly packages?: readonly string[];
  readonly entries?: readonly CpioEntry[];
  /** Lines of shell before the program runs. */
  readonly prepare?: string;
}

/** Writes the archive. About 170 MB, nearly all of it Node.js. */
export function writeInitramfs(file: string, options: InitramfsOptions): void {
  const { modules = [], parts = [], packages = [], entries = [] } = options;
  writeCpio(file, [
    ...['proc', 'sys', 'dev', 'tmp', 'etc', 'run', 'root', 'mnt', 'var/tmp', 'var/log'].map(
      (path): CpioEntry => ({ path, kind: 'folder' }),
    ),
    textEntry('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'),
    textEntry('etc/group', 'root:x:0:\n'),
    textEntry('etc/hosts', '127.0.0.1 localhost guest\n'),
    { path: 'init', kind: 'file', isExecutable: true, data: Buffer.from(initScript(options)) },
    fileEntry('bin/busybox', busyboxPath() as string),
    ...APPLETS.split(' ').map(
      (name): CpioEntry => ({ path: `bin/${name}`, kind: 'link', target: 'busybox' }),
    ),
    ...programEntries(process.execPath),
    ...programEntries(onPath('chrt') as string),
    ...moduleEntries(modules),
    ...parts.flatMap(partEntries),
    ...treeEntries('teg', ROOT, ['package.json', 'src', 'test/guest/programs', 'test/guest/storms']),
    ...treeEntries('teg/node_modules', join(ROOT, 'node_modules'), packages),
    ...entries,
  ]);
}

function textEntry(path: string, text: string): CpioEntry {
  return { path, kind: 'file', isExecutable: false, data: Buffer.from(text) };
}

function initScript({ program, modules = [], prepare = '' }: InitramfsOptions): string {
  return `#!/bin/sh
export PATH=/bin:/usr/bin HOME=/root TERM=dumb
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm /sys/fs/cgroup; mount -t devpts pts /dev/pts; mount -t tmpfs shm /dev/shm
mount -t cgroup2 cg /sys/fs/cgroup
mount -t tmpfs run /run; mount -t tmpfs tmp /tmp
echo 1 > /proc/sys/kernel/printk
ip link set lo up
for module in ${modules.join(' ')}; do insmod /mod/$module.ko; done
${prepare}
cd /teg
node --disable-warning=ExperimentalWarning ${program} </dev/null
echo "@exit $?"
poweroff -f
`;
}

/** All files below some paths of a folder; tests and fixtures stay behind, links are followed. */
function treeEntries(place: string, folder: string, paths: readonly string[]): CpioEntry[] {
  return paths.flatMap((path): CpioEntry[] => {
    const source = join(folder, path);
    const stats = statSync(source, { throwIfNoEntry: false });
    if (stats === undefined) return [];
    if (!stats.isDirectory())
      return [{ path: `${place}/${path}`, kind: 'file', isExecutable: false, data: readFileSync(source) }];
    const names = readdirSync(source).filter(
      (name) => !/\.(test|fixtures|oracle)\.ts$|\.(map|md)$/.test(name),
    );
    return treeEntries(`${place}/${path}`, source, names);
  });
}
