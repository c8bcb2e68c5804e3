/**
 * Reports at the end of a run what was skipped and why, so that a check that was never made does not pass for one; and
 * fails a run in which no test ran.
 */
import { relative } from 'node:path';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** What is skipped in one file under one title. */
interface Skips {
  readonly file: string;
  readonly title: string;
  count: number;
}

/** @returns Lines for people: how many tests were skipped, and by file and title with the reason that the title gives. */
export function skipLines(
  skips: readonly { readonly file: string; readonly titles: readonly string[] }[],
): string[] {
  if (skips.length === 0) return [];
  const groups = new Map<string, Skips>();
  for (const { file, titles } of skips) {
    // The title that gives a reason, else the outermost one.
    const title = titles.find((part) => part.includes('skipped')) ?? (titles[0] as string);
    const group = groups.get(`${file}\n${title}`) ?? { file, title, count: 0 };
    group.count++;
    groups.set(`${file}\n${title}`, group);
  }
  return [
    `${skips.length} skipped:`,
    ...[...groups.values()].map(({ file, title, count }) => `  ${count} in ${file}: ${title}`),
  ];
}

/** The reporter; beside the one that prints the tests. */
export class SkipsReporter implements Reporter {
  private isNamed = false;

  /** Tests that are left out because others were named are no news. */
  onInit(vitest: { readonly config: { readonly testNamePattern?: RegExp | undefined } }): void {
    this.isNamed = vitest.config.testNamePattern !== undefined;
  }

  /** See the file. */
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const ran = tests.filter((test) => ['passed', 'failed'].includes(test.result().state));
    if (ran.length === 0) {
      process.stderr.write('no test ran\n');
      process.exitCode = 1;
    }
    if (this.isNamed) return;
    const skips = tests
      .filter((test) => test.result().state === 'skipped')
      .map((test) => ({ file: relative('.', test.module.moduleId), titles: titlesOf(test) }));
    for (const line of skipLines(skips)) process.stdout.write(`${line}\n`);
  }
}

/** From the outermost title to the test's own. */
function titlesOf(test: TestCase): string[] {
  const titles = [test.name];
  for (let parent = test.parent; parent.type === 'suite'; parent = parent.parent) titles.unshift(parent.name);
  return titles;
}
