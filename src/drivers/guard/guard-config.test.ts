import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseGuardConfig, readGuardConfig } from './guard-config.ts';

const problem = (config: unknown): string => {
  try {
    parseGuardConfig(JSON.stringify(config), 'x.yaml');
  } catch (error) {
    expect(error).toMatchObject({ code: 'TEG_CONFIG_INVALID' });
    return (error as Error).message;
  }
  return 'none';
};

test('an empty file is a configuration of defaults', () => {
  const config = parseGuardConfig('', 'x.yaml');
  expect(config).toMatchObject({ wall: { of: 'node' }, groups: [], stateFolder: '/run/teg-guard' });
  expect(config.starvation).toEqual({
    frozenSeconds: 60,
    gangFrozenSeconds: 100,
    order: ['thaw'],
    lastResort: 'hold',
  });
});

test('the example is valid', () => {
  const path = join(import.meta.dirname, '..', '..', '..', 'examples', 'guard', 'guard.yaml');
  expect(readGuardConfig(path).groups.map((group) => group.optIn)).toEqual([true, true]);
});

test('groups do not take part unless they opt in', () => {
  expect(parseGuardConfig('groups: [{path: /a}]', 'x.yaml').groups[0]).toMatchObject({
    optIn: false,
    priority: 0,
  });
});

describe('refuses', () => {
  test.each([
    [{ wal: {} }, /wal: got an unknown field, expected one of .*wall.*did you mean wall/],
    [{ wall: { mib: 0 } }, /wall\.mib: got 0, expected at least 1/],
    [{ wall: { of: 'jobs' } }, /wall\.of: got "jobs", expected node, groups, or the path of a group/],
    [{ groups: [{ path: 'jobs' }] }, /groups\.0\.path: got "jobs", expected a path below/],
    [{ groups: [{ path: '/a' }, { path: '/a' }] }, /groups: got .*expected each path once/],
    [{ groups: [{ path: '/a', gang: '' }] }, /groups\.0\.gang: got "", expected at least 1/],
    [{ starvation: { order: ['move'] } }, /starvation\.order: .*expected thaw or kill among them/],
    [{ starvation: { order: ['thaw', 'thaw'] } }, /each at most once/],
    [{ starvation: { frozenSeconds: 1 } }, /starvation\.frozenSeconds: got 1/],
    [{ stateFolder: `/${'x'.repeat(90)}` }, /stateFolder: got .*expected at most 90/],
    [{ metricsPort: 65_536 }, /metricsPort: got 65536, expected at most 65535/],
    [{ kind: 'SchedulerConfiguration' }, /kind: got "SchedulerConfiguration", expected "GuardConfiguration"/],
  ])('%j', (config, expected) => {
    expect(problem(config)).toMatch(expected);
  });

  test('more groups than a guard holds', () => {
    const groups = Array.from({ length: 1025 }, (_, i) => ({ path: `/g${i}` }));
    expect(problem({ groups })).toMatch(/groups: got .*expected at most 1024/);
    expect(problem({ groups: groups.slice(1) })).toBe('none');
  });

  test('text that is not YAML, and text without end', () => {
    expect(() => parseGuardConfig('a: [', 'x.yaml')).toThrow(/got text that is not YAML/);
    expect(() => parseGuardConfig(' '.repeat((1 << 20) + 1), 'x.yaml')).toThrow(/expected at most 1048576/);
    expect(() => readGuardConfig('/no/such/file')).toThrow(/expected a configuration file/);
  });
});
