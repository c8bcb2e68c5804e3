/**
 * The documentation points at things that exist: files that pages link to or name, and commands they show.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
/** A first page is read in a few minutes, or not at all. */
const README_WORDS_MAX = 800;
/** An hour's reading. */
const READING_WORDS_MAX = 16_000;

/** All pages: the ones at the top and those under docs. */
function pages(): { path: string; text: string }[] {
  const top = readdirSync(ROOT).filter((name) => name.endsWith('.md'));
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name));
  return [...top, ...docs].map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** @returns Anchors of a page's headings, as GitHub makes them. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}

/** @returns Links of a page that lead nowhere. */
function deadLinks(path: string, text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file = '', anchor] = target.split('#');
      const full = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), file);
      if (!existsSync(full)) return true;
      return anchor !== undefined && !anchors(readFileSync(full, 'utf8')).includes(anchor);
    });
}

/** @returns Files of the repository that a page names in code style and that are not there. */
function missingFiles(text: string): string[] {
  return [...text.matchAll(/`((?:src|lab|bin|bench|test|docs|deploy|examples)\/[\w./-]+\.\w+)`/g)]
    .map(([, name = '']) => name)
    .filter((name) => !existsSync(join(ROOT, name)));
}

/** @returns Commands of `teg` that a page shows, up to the first option, for example `bench packing`. */
function shownCommands(text: string): string[] {
  const shown = [
    ...text.matchAll(/(?:^|[`$ ])(?:bin\/)?teg ((?:[a-z]+(?:-[a-z]+)*)(?: [a-z]+(?:-[a-z]+)*)?)(?=[ `\n])/gm),
  ];
  return shown.map(([, words = '']) => words);
}

/** @returns The commands of a help text. */
function commandsOf(...path: string[]): string[] {
  const { stdout } = spawnSync(process.execPath, [join(ROOT, 'bin', 'teg'), ...path, '--help'], {
    encoding: 'utf8',
  });
  const list = stdout.slice(stdout.indexOf('Commands:'));
  return stdout.includes('Commands:')
    ? [...list.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name = '']) => name)
    : [];
}

/** @returns Words of a text: in prose, tables and code alike. */
function wordsOf(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length;
}

/** @returns Folders right below one, by their paths in the repository. */
function foldersIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${folder}/${entry.name}`);
}

describe('the documentation', () => {
  const all = pages();

  test.each(all)('$path links to what exists', ({ path, text }) => {
    expect(deadLinks(path, text)).toEqual([]);
    expect(missingFiles(text)).toEqual([]);
  });

  test('shows commands that exist', () => {
    const commands = commandsOf();
    expect(commands).toContain('errors');
    for (const { path, text } of all) {
      for (const words of shownCommands(text)) {
        const [first = '', second] = words.split(' ');
        if (!isCommandLine(words, text)) continue;
        expect(commands, `${path} shows 'teg ${words}'`).toContain(first);
        const below = second === undefined ? [] : commandsOf(first);
        if (below.length > 0) expect(below, `${path} shows 'teg ${words}'`).toContain(second);
      }
    }
  });
});

/** Prose says "teg places jobs"; a command stands in code style or in a block of commands. */
function isCommandLine(words: string, text: string): boolean {
  return text.includes(`\`teg ${words}`) || text.includes(`bin/teg ${words}`);
}

test('the checks find what is wrong', () => {
  const path = relative(ROOT, join(ROOT, 'docs', 'x.md'));
  expect(
    deadLinks(
      path,
      '[a](no-such.md) [b](architecture.md#the-house) [c](architecture.md#no) [d](https://x.y)',
    ),
  ).toEqual(['no-such.md', 'architecture.md#no']);
  expect(missingFiles('`src/cli/main.ts` `src/cli/no-such.ts`')).toEqual(['src/cli/no-such.ts']);
  expect(shownCommands('run `teg bench packing --nodes a` or\n    bin/teg simulate --json\n')).toEqual([
    'bench packing',
    'simulate',
  ]);
});

describe('README', () => {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');

  test('has at most 800 words, everything counted', () => {
    expect(wordsOf(text)).toBeLessThanOrEqual(README_WORDS_MAX);
    expect(wordsOf('a b\n\n    c `d e`')).toBe(5);
  });

  test('has a picture that reads on light and on dark pages', () => {
    const [, path = ''] = /!\[[^\]]+\]\(([^)]+\.svg)\)/.exec(text) ?? [];
    const picture = readFileSync(join(ROOT, path), 'utf8');
    expect(picture).toContain('prefers-color-scheme: dark');
    expect(picture).toMatch(/<title[^>]*>[^<]+<\/title>/);
    expect(picture).not.toMatch(/href="(?!#)|<script/);
  });
});

test('the pages to read, one after the other, have at most 16,000 words', () => {
  const index = readFileSync(join(ROOT, 'docs', 'README.md'), 'utf8');
  const section = index.slice(index.indexOf('## To read'), index.indexOf('## To look up'));
  const paths = [...section.matchAll(/\]\(([\w/-]+\.md)\)/g)].map(([, path = '']) => join('docs', path));
  expect(paths.length).toBeGreaterThanOrEqual(12);
  const words = paths.map((path) => wordsOf(readFileSync(join(ROOT, path), 'utf8')));
  expect(words.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(READING_WORDS_MAX);
});

test.each(pages().filter(({ path }) => path.includes('results') && !path.endsWith('claims.md')))(
  '$path says which command and which commit its figures are of',
  ({ text }) => {
    expect(text).toMatch(/commit [0-9a-f]{7}\b/);
    expect(text).toMatch(/bin\/teg |node bench\/|npm start|node --input-type/);
    expect(text).toMatch(/^\| .* \|$/m);
  },
);

describe('the map of folders', () => {
  const listed = [
    ...readFileSync(join(ROOT, 'docs', 'README.md'), 'utf8').matchAll(/^\| `([\w/-]+)` \|/gm),
  ].map(([, folder = '']) => folder);

  test('has every folder of src two levels deep, and of lab', () => {
    const first = foldersIn('src');
    const expected = [...first, ...first.flatMap(foldersIn), ...foldersIn('lab')];
    expect(expected.filter((folder) => !listed.includes(folder))).toEqual([]);
  });

  test('has no folder that is not there, and none twice', () => {
    expect(listed.filter((folder) => !existsSync(join(ROOT, folder)))).toEqual([]);
    expect(new Set(listed).size).toBe(listed.length);
  });
});

/** Phases of a function, as its comments number them: the number, and the method that is called right after. */
function numberedCalls(source: string, head: string, mark: RegExp): string[] {
  const start = source.indexOf(head);
  const body = source.slice(start, source.indexOf('\n  }\n', start));
  return [...body.matchAll(mark)].map(([, label = '', call = '']) =>
    call === '' ? label : `${label} ${call}`,
  );
}

test('the tour of Kubernetes names the phases of PodScheduler.decide', () => {
  const pods = join(ROOT, 'src', 'governor', 'pods');
  const decide = numberedCalls(
    readFileSync(join(pods, 'pod-scheduler.ts'), 'utf8'),
    'private decide(',
    /\/\/ (\d)\. .*\n\s+this\.(\w+)\(/g,
  );
  const attempt = numberedCalls(
    readFileSync(join(pods, 'decide', 'pod-decisions.ts'), 'utf8'),
    '  private attempt(',
    /\/\/ ([a-z])\. /g,
  );
  expect(decide).toHaveLength(6);
  expect(attempt).toHaveLength(4);
  const tour = readFileSync(join(ROOT, 'docs', 'tour-kubernetes.md'), 'utf8');
  const named = [...tour.matchAll(/^\| (\d) \| `(\w+)` \|/gm)].map(([, label, call]) => `${label} ${call}`);
  expect(named).toEqual(decide);
  expect([...tour.matchAll(/^\| 6([a-z]) \|/gm)].map(([, letter]) => letter)).toEqual(attempt);
});

test('the tours name classes and methods that exist', () => {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'));
  const isThere = (owner: string, method: string): boolean =>
    sources.some(
      (text) =>
        new RegExp(`export (?:class|interface) ${owner}\\b`).test(text) &&
        new RegExp(`^  (?:private )?(?:async )?${method}\\(`, 'm').test(text),
    );
  expect(isThere('PodScheduler', 'decide')).toBe(true);
  expect(isThere('PodScheduler', 'noSuchMethod')).toBe(false);
  for (const page of ['tour.md', 'tour-kubernetes.md']) {
    const text = readFileSync(join(ROOT, 'docs', page), 'utf8');
    const named = [...text.matchAll(/`([A-Z]\w+)\.(\w+)`/g)];
    expect(named.length, page).toBeGreaterThan(0);
    for (const [name, owner = '', method = ''] of named) expect(isThere(owner, method), name).toBe(true);
  }
});
