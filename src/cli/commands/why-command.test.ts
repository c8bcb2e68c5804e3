/** `teg why` and `teg share` on the result of a simulation that the product makes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { nextStep } from '../../governor/pods/reasons/next-steps.ts';
import { REASON_CODES, reasonSentence } from '../../governor/pods/reasons/reason-sentences.ts';
import { TokenMarket } from '../../market/token-market/token-market.ts';
import { ranksOf } from '../economy/waiting-answer.ts';

/** A job of which only tenant and priority count. */
const NO_JOB = {
  position: 0,
  waitedSeconds: 0,
  pods: 1,
  each: { gpus: 0, cpuCores: 0, memoryGib: 0 },
  gpuModels: [],
  requestedSeconds: null,
  code: 'behind',
  data: {},
};

const TEG = join(import.meta.dirname, '..', '..', '..', 'bin', 'teg');
const folder = mkdtempSync(join(tmpdir(), 'teg-why-'));
const result = join(folder, 'result.json');
afterAll(() => rmSync(folder, { recursive: true }));

const NODES = 'name,cpu_milli,memory_mib,gpu_count,gpu_model\na,64000,262144,8,H100\nb,64000,262144,8,H100\n';
const HEADER =
  'id,tenant,submit_s,duration_s,pod_count,cpu_milli,memory_mib,gpu_count,gpu_milli,gpu_models\n';

function teg(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
  return spawnSync(process.execPath, [TEG, ...args], { encoding: 'utf8', env });
}

beforeAll(() => {
  writeFileSync(join(folder, 'nodes.csv'), NODES);
  const jobs = [
    'base,vision,0,100000,1,1000,1000,8,1000,H100',
    'other,nlp,0,3600,1,1000,1000,4,1000,H100',
    'second,nlp,0,3600,1,1000,1000,4,1000,H100',
    'third,nlp,0,3600,1,1000,1000,4,1000,H100',
    'big,vision,10,100,1,1000,1000,8,1000,H100',
    'more,nlp,20,900000,1,1000,1000,4,1000,H100',
  ];
  writeFileSync(join(folder, 'jobs.csv'), HEADER + jobs.join('\n'));
  writeFileSync(
    join(folder, 'tenants.yaml'),
    [
      {
        kind: 'Market',
        metadata: { name: 'default' },
        spec: { flavors: [{ name: 'h100', gpuModels: ['H100'] }], halfLife: '168h' },
      },
      {
        kind: 'Tenant',
        metadata: { name: 'vision' },
        spec: { weight: 1, quota: { h100: { 'nvidia.com/gpu': 12 } } },
      },
      {
        kind: 'Tenant',
        metadata: { name: 'nlp' },
        spec: {
          weight: 1,
          quota: { h100: { 'nvidia.com/gpu': 4 } },
          limit: { h100: { 'nvidia.com/gpu': 4 } },
        },
      },
    ]
      .map((document) => JSON.stringify({ apiVersion: 'teg.dev/v1alpha1', ...document }))
      .join('\n---\n'),
  );
  const at = (name: string): string => join(folder, name);
  const run = teg(
    'simulate',
    '--cluster',
    at('nodes.csv'),
    '--jobs',
    at('jobs.csv'),
    '--tenants',
    at('tenants.yaml'),
    '--queue',
    'teg',
    '--runtimes',
    'exact',
    '--horizon',
    '30m',
    '--json',
    '--no-series',
  );
  expect(run.stderr).toBe('');
  writeFileSync(result, run.stdout);
});

describe('teg why', () => {
  it('says why each waiting job waits', () => {
    const { stdout, status } = teg('why', result);
    expect(status).toBe(0);
    expect(stdout).toContain('big  tenant vision, 1 pod, has waited 29 m 50 s, no job before it');
    expect(stdout).toContain('more  tenant nlp');
    expect(stdout).toContain('Tenant nlp may hold 4 GPUs of h100, holds 4 GPUs, and it needs 4 GPUs.');
  });

  it('lists jobs as they would start: the tenant first that had less for its share, and its turn ends with a start', () => {
    const { jobs } = JSON.parse(teg('why', result, '--json').stdout);
    expect(jobs.map(({ id, position }: { id: string; position: number }) => `${position} ${id}`)).toEqual([
      ...['0 big', '1 second', '2 third', '3 more'],
    ]);
  });

  it('answers for one job, also in JSON, and for no other', () => {
    expect(JSON.parse(teg('why', 'more', result, '--json').stdout).jobs).toMatchObject([
      { id: 'more', tenant: 'nlp', code: 'limit-reached' },
    ]);
    const running = teg('why', 'base', result);
    expect(running.status).toBe(2);
    expect(running.stderr).toContain(
      "got the job 'base', expected one of the 4 jobs listed as waiting, such as 'big'",
    );
  });

  it('says the same of equal jobs, of which only the first was tried', () => {
    const reasons = JSON.parse(teg('why', result, '--json').stdout).jobs.map(
      ({ id, code }: { id: string; code: string }) => `${id} ${code}`,
    );
    expect(reasons).toEqual(expect.arrayContaining(['second limit-reached', 'third limit-reached']));
  });

  it('names the equal job that goes before one that the accounts held back', () => {
    const jobs = [
      'first,nlp,0,100,1,1000,1000,4,1000,H100',
      'other,vision,0,9000,1,64000,1000,8,1000,H100',
      // Takes the cores that the first one leaves.
      'cores,vision,0,9000,1,64000,1000,0,0,',
      'next,nlp,1,100,1,1000,1000,4,1000,H100',
      'last,nlp,2,100,1,1000,1000,4,1000,H100',
    ];
    const path = join(folder, 'equal-jobs.csv');
    writeFileSync(path, HEADER + jobs.join('\n'));
    const inputs = ['--cluster', join(folder, 'nodes.csv'), '--jobs', path];
    const rules = ['--tenants', join(folder, 'tenants.yaml'), '--horizon', '10m'];
    const { stdout } = teg('simulate', ...inputs, ...rules, '--json', '--no-series');
    const waiting = join(folder, 'equal-jobs.json');
    writeFileSync(waiting, stdout);
    expect(teg('why', waiting).stdout).toContain('Job next of the same tenant and size goes before it');
  });

  it('says of a dropped job that it was dropped, when, why, and what can be done', () => {
    const path = join(folder, 'dropped.csv');
    const jobs = [
      'fits,vision,0,100,1,1000,1000,8,1000,H100',
      'model,vision,60,100,1,1000,1000,8,1000,B200',
      'wide,nlp,90,100,1,1000,1000,16,1000,H100',
    ];
    writeFileSync(path, HEADER + jobs.join('\n'));
    const inputs = ['--cluster', join(folder, 'nodes.csv'), '--jobs', path];
    const run = teg('simulate', ...inputs, '--json', '--no-series');
    expect(run.stderr).toContain(
      `job 'model' can never run and was dropped: it may use the GPU models B200 only, and those of the nodes are H100`,
    );
    const dropped = join(folder, 'dropped.json');
    writeFileSync(dropped, run.stdout);
    expect(teg('why', 'model', dropped).stdout).toBe(
      'model  tenant vision, 1 pod, was dropped at 1 m 00 s: it can never run\n' +
        '  It may run on the GPU models B200 only, and no node has any: those of the nodes are H100.\n' +
        '  no-such-model; next step: Correct the column gpu_models of the job, or add such nodes to the cluster.\n',
    );
    expect(teg('why', 'wide', dropped).stdout).toContain(
      'Each of its pods needs 16 GPUs, and the largest node has 8 GPUs.',
    );
    expect(JSON.parse(teg('why', dropped, '--json').stdout).dropped).toMatchObject({
      count: 2,
      jobs: [
        { id: 'model', stage: 'misconfigured', atSeconds: 60 },
        { id: 'wide', stage: 'beyond-limit', atSeconds: 90, data: { needGpus: 16, mostGpus: 8 } },
      ],
    });
    const other = teg('prio', 'wide', dropped);
    expect([other.status, other.stderr]).toEqual([2, expect.stringContaining('which was dropped')]);
  });

  it('names who borrows the quota, and how long minRuntime protects their jobs', () => {
    const jobs = [
      'loan,nlp,0,90000,1,1000,1000,8,1000,H100',
      'more,nlp,0,90000,1,1000,1000,8,1000,H100',
      'mine,vision,60,100,1,1000,1000,8,1000,H100',
    ];
    const path = join(folder, 'loans.csv');
    writeFileSync(path, HEADER + jobs.join('\n'));
    const tenants = join(folder, 'loans.yaml');
    writeFileSync(
      tenants,
      readFileSync(join(folder, 'tenants.yaml'), 'utf8').replace(/"limit":[^}]*}}/, '"state":"Open"'),
    );
    const rules = ['--tenants', tenants, '--queue', 'teg', '--horizon', '5m', '--json', '--no-series'];
    const { stdout } = teg('simulate', '--cluster', join(folder, 'nodes.csv'), '--jobs', path, ...rules);
    const loans = join(folder, 'loans.json');
    writeFileSync(loans, stdout);
    // The loans started at 0 and may be evicted from 10 min on; it is 5 min.
    expect(teg('why', 'mine', loans).stdout).toContain(
      'may take 0 GPUs more now. Tenants that hold more than their quotas: nlp 12; minRuntime protects their jobs for another 5 m 00 s.\n' +
        '  quota-used-up; next step: Wait: it is within its quota, and jobs of the borrowers may be evicted for it from then on.\n',
    );
  });

  it('refuses a comparison, and says which run to make', () => {
    const comparison = join(folder, 'comparison.json');
    writeFileSync(comparison, JSON.stringify({ schema: 'teg.comparison/1', runs: [{}, {}] }));
    for (const command of ['why', 'share', 'queue', 'prio', 'quote']) {
      const { status, stderr } = teg(command, comparison);
      expect(status).toBe(2);
      expect(stderr).toContain('TEG_INPUT_UNKNOWN_FORMAT');
      expect(stderr).toContain(
        'is a comparison of 2 runs, the output of `teg compare --json`; expected one run',
      );
    }
  });

  it('refuses what is not a result', () => {
    expect(teg('why', join(folder, 'missing.json')).stderr).toContain('TEG_INPUT_NOT_FOUND');
    expect(teg('why', join(folder, 'jobs.csv')).stderr).toContain('TEG_INPUT_UNKNOWN_FORMAT');
  });
});

describe('teg queue and teg prio', () => {
  it('print the queue, with --start why each job does not start now', () => {
    expect(teg('queue', result).stdout).toMatch(/^big +vision +1 × 8 GPUs +0 +29 m 50 s$/m);
    const { stdout } = teg('queue', '--start', result);
    expect(stdout).toMatch(/^JOB +TENANT +NEEDS +STARTS-BY +WHY-NOT-NOW$/m);
    expect(stdout).toMatch(/^more +nlp +1 × 4 GPUs +– +limit-reached: Tenant nlp may hold 4 GPUs of h100/m);
  });

  it('gives each job in JSON the code, stage, sentence and next step of the one reason', () => {
    const { jobs } = JSON.parse(teg('queue', result, '--json').stdout);
    expect(jobs.at(-1)).toMatchObject({
      id: 'more',
      code: 'limit-reached',
      stage: 'quota',
      nextStep: 'Wait for a job of tenant nlp to end, or raise its spec.limit.',
      startsBySeconds: null,
    });
    expect(teg('why', 'more', result).stdout).toContain(`limit-reached; next step: ${jobs.at(-1).nextStep}`);
  });

  it('say of a place how many jobs are before it by turn, priority and arrival', () => {
    const { jobs } = JSON.parse(teg('prio', result, '--json').stdout);
    expect(
      jobs.map(({ id, rank, byTurn, byPriority, byArrival }: Record<string, unknown>) => [
        ...[id, rank, byTurn, byPriority, byArrival],
      ]),
    ).toEqual([
      ['big', 0, 0, 0, 0],
      ['second', 1, 1, 0, 0],
      ['third', 2, 1, 0, 1],
      ['more', 3, 1, 0, 2],
    ]);
    expect(teg('prio', 'more', result).stdout).toMatch(/^more +nlp +3 +1 +0 +2$/m);
    expect(teg('prio', 'base', result).status).toBe(2);
  });

  it('publish the schemas of their JSON', () => {
    for (const command of ['why', 'queue', 'prio']) {
      const schema = JSON.parse(teg(command, '--json-schema').stdout);
      expect(schema.properties.jobs.type).toBe('array');
    }
    const { status, stderr } = teg('queue');
    expect([status, stderr]).toEqual([2, expect.stringContaining('got no result, expected a file')]);
  });
});

describe('the parts of a rank', () => {
  it('sum to it, with and without turns of tenants', () => {
    checkProperty(
      fc.property(
        fc.array(
          fc.record({ tenant: fc.constantFrom('a', 'b', 'c'), priority: fc.integer({ min: 0, max: 2 }) }),
          {
            maxLength: 30,
          },
        ),
        fc.boolean(),
        (given, byTenant) => {
          const jobs = given.map((job, i) => ({ ...NO_JOB, ...job, id: String(i) }));
          const ranks = ranksOf({ count: jobs.length, atSeconds: 0, byTenant, jobs }).jobs;
          ranks.forEach(({ rank, byTurn, byPriority, byArrival }, i) => {
            const { tenant, priority } = given[i] as (typeof given)[number];
            const before = given.slice(0, i);
            const rivals = byTenant ? before.filter((other) => other.tenant === tenant) : before;
            expect([rank, byTurn]).toEqual([i, before.length - rivals.length]);
            expect(byPriority).toBe(rivals.filter((other) => other.priority > priority).length);
            expect(byTurn + byPriority + byArrival).toBe(rank);
          });
        },
      ),
    );
  });
});

describe('teg share', () => {
  it('reads a result from a pipe whose writer is slow', () => {
    const script = `(head -c 1000 "$1"; sleep 1; tail -c +1001 "$1") | "$2" "$3" share -`;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', script, 'sh', result, process.execPath, TEG], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/vision .*12\.0/);
  });

  it('prints the tenants of a result', () => {
    expect(teg('share', result).stdout).toMatch(/vision .*12\.0/);
  });

  it('prints prices and balances, and has them in JSON', () => {
    const { stdout } = teg('share', result);
    expect(stdout).toMatch(/^h100 +16\.0 +75\.0 % +0\.4444 +0\.111111$/m);
    expect(stdout).toMatch(/^nlp +\S+ +4\.00 +1\.78 +/m);
    // nlp had 4 GPUs of its 4, vision 8 of its 12 for half an hour and the hour that running jobs count ahead.
    expect(stdout).toContain(
      'Standing: hours of its share that a tenant had less than the one that had most',
    );
    const { tenants, market } = JSON.parse(teg('share', result, '--json').stdout);
    const standing = Object.fromEntries(
      market.tenants.map(({ name, standingHours }: Record<string, unknown>) => [name, standingHours]),
    );
    expect(standing).toMatchObject({ nlp: 0, default: null });
    expect(standing['vision']).toBeCloseTo(1.5 - (8 / 12) * 1.5, 9);
    expect(stdout).toMatch(/^vision .* 0\.5 h /m);
    expect(tenants[0].name).toBe('vision');
    expect(market.flavors[0].free).toEqual([{ gpus: 4, nodes: 1 }]);
  });
});

/** The market of that run: vision started 8 GPUs and nlp 4 at time 0, until half an hour. */
function marketOfRun(): TokenMarket {
  const hour = 3_600e6;
  const tenant = (name: string, mintRate: number) => ({ name, quotaMilli: 0, weight: 1, mintRate });
  const market = new TokenMarket({
    flavors: [{ name: 'h100', capacityMilli: 16_000 }],
    tenants: [tenant('vision', 12e6), tenant('nlp', 4e6), tenant('default', 0)],
    halfLifeMicros: 168 * hour,
  });
  market.started(0, 0, 8_000, 0, 100_000e6);
  market.started(1, 0, 4_000, 0, hour);
  market.settle(hour / 2);
  return market;
}

describe('teg quote', () => {
  it('says what the market itself says', () => {
    const market = marketOfRun();
    const args = ['--pods', '2', '--gpus', '2', '--runtime', '12h', '--tenant', 'nlp', '--flavor', 'h100'];
    const answer = JSON.parse(teg('quote', result, ...args, '--json').stdout);
    const cost = market.costOf(0, 4_000, 12 * 3_600e6);
    const full = market.ruleOf(0).base * market.ruleOf(0).cap;
    expect(answer.flavors).toEqual([
      {
        flavor: 'h100',
        load: 0.75,
        price: expect.closeTo(market.priceOf(0).value / 1e6, 9),
        slope: expect.closeTo(market.priceOf(0).slope / 1e3, 9),
        quotedPrice: market.quotedPrice(0, 4_000) / 1e6,
        units: 4,
        tokensPerHour: (4 * market.quotedPrice(0, 4_000)) / 1e6,
        setAside: cost / 1e6,
        // Half an hour to the next rent at the quote, then at the price of a full flavour: the cap.
        expectedTokens: expect.closeTo((cost / 2 + 11.5 * 4 * full) / 1e6, 4),
        podsWithRoom: 2,
        availableGpus: 0,
        affordableInSeconds: expect.closeTo(market.affordableAt(1, cost, 1_800e6) / 1e6 - 1_800, 3),
      },
    ]);
    expect(answer.flavors[0].affordableInSeconds).toBeGreaterThan(0);
  });

  it('takes the shape of a waiting job, and says why that waits', () => {
    const { stdout } = teg('quote', 'big', result);
    expect(stdout).toContain('1 pod of 8 GPUs, 1 core');
    expect(stdout).toContain('0 of 1');
    expect(stdout).toContain(
      'big waits: It needs 8 GPUs of h100; tenant vision, with a quota of 12 GPUs there, may take 4 GPUs more',
    );
    expect(JSON.parse(teg('quote', 'big', result, '--gpus', '4', '--json').stdout).flavors[0]).toMatchObject({
      units: 4,
      podsWithRoom: 1,
    });
  });

  it.each([
    [['--tenant', 'x'], "got the tenant 'x', expected one of the result: vision, nlp, default"],
    [['--flavor', 'x'], "got the flavour 'x', expected one of the result: h100"],
    [['--gpus', '1.5'], 'got --gpus 1.5'],
  ])('refuses %j', (args, message) => {
    const { status, stderr } = teg('quote', result, ...args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('a quote on a quiet cluster', () => {
  it.each([
    ['1', '1h'],
    ['1', '6h'],
    ['8', '1h'],
    ['8', '6h'],
  ])('for %s GPUs and %s is within 1 %% of what is charged', (gpus, runtime) => {
    const seconds = 3600 * Number.parseInt(runtime, 10);
    const simulated = (jobs: string): string => {
      const path = join(folder, 'quiet.csv');
      writeFileSync(path, `${HEADER}${jobs}`);
      const files = ['--cluster', join(folder, 'nodes.csv'), '--jobs', path];
      const rules = ['--tenants', join(folder, 'tenants.yaml'), '--queue', 'teg', '--runtimes', 'exact'];
      const output = join(folder, 'quiet.json');
      writeFileSync(output, teg('simulate', ...files, ...rules, '--json', '--no-series').stdout);
      return output;
    };
    const idle = simulated('tiny,nlp,0,1,1,1000,1000,0,0,\n');
    const shape = ['--gpus', gpus, '--cores', '1', '--gib', '1', '--runtime', runtime, '--tenant', 'vision'];
    const quoted = JSON.parse(teg('quote', idle, ...shape, '--json').stdout).flavors[0].expectedTokens;
    const ran = simulated(`job,vision,0,${seconds},1,1000,1024,${gpus},1000,H100\n`);
    const { market } = JSON.parse(teg('share', ran, '--json').stdout);
    const { charged } = market.tenants.find(({ name }: { name: string }) => name === 'vision');
    expect(charged).toBeGreaterThan(0);
    expect(Math.abs(quoted / charged - 1)).toBeLessThan(0.01);
  });
});

describe('sentences of reasons', () => {
  it('has a sentence for reservations, and figures for a code that it does not know', () => {
    expect(reasonSentence('room-drained', { forJob: 'x' }, 100)).toContain('kept for job x');
    const short = { tenant: 'a', flavor: 'h100', needGpus: 1, availableGpus: 0, quotaGpus: 8, lentGpus: 2 };
    expect(reasonSentence('quota-used-up', short, 100)).toBe(
      'It needs 1 GPU of h100; tenant a, with a quota of 8 GPUs there, may take 0 GPUs more now. Others use 2 GPUs of its quota.',
    );
    expect(reasonSentence('draining', { nodes: 3 }, 100)).toContain('3 nodes are kept free for it');
    expect(reasonSentence('room-reserved', { forJob: 'x', startsBySeconds: 700 }, 100)).toBe(
      'There is room, but it would still run when job x needs that room, in 10 m 00 s.',
    );
    expect(reasonSentence('room-reserved', { forJob: 'x', startsBySeconds: 100 }, 100)).toBe(
      'There is room, but it would still run when job x needs that room, by now, but a job runs longer than was expected.',
    );
    expect(reasonSentence('strange', { a: 1 }, 0)).toBe('strange (a 1).');
  });

  it('advises by columns of the file of jobs, or by annotations of pods', () => {
    expect(nextStep('room-reserved', {}, 'job')).toContain('column requested_s of the file of jobs');
    expect(nextStep('room-reserved', {}, 'pod')).toContain('annotation teg.dev/expected-runtime');
    for (const code of REASON_CODES) {
      expect(nextStep(code, {}, 'job')).not.toMatch(/annotation|explain pod/);
    }
  });
});
