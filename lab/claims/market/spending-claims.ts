/**
 * T-26, T-27 and T-29: what a balance allows, what it remembers, and what it never pays for.
 *
 * @source theory §5 (bounds, identity of demurrage and decayed usage, time to save, escrow exempt from evaporation).
 */
import type { Random } from '../../../src/kernel/random.ts';
import { MICROS_PER_HOUR, MICROS_PER_SECOND, MICROS_PER_TOKEN } from '../../../src/market/amounts.ts';
import { mintAt } from '../../../src/market/charges.ts';
import { Ledger } from '../../../src/market/ledger.ts';
import { supplyOf } from '../../../src/market/ledger-check.ts';
import { marketSpec, quotaFlavor, tenantSpec } from '../../../src/market/tenants/spec.ts';
import { TenantBudgets } from '../../../src/market/tenants/tenant-budgets.ts';
import { CLUSTER_TENANT, TenantTree } from '../../../src/market/tenants/tenant-tree.ts';
import type { TenantOrderKind } from '../../../src/market/token-market/market-options.ts';
import { BURN, Code, type Transfer, TransferAction, type TransferId } from '../../../src/market/transfer.ts';
import { TenantTable } from '../../../src/model/tenants.ts';
import { atMost, type Claim, type Measurement, within } from '../claim.ts';
import { readingError } from './balance-readings.ts';
import { CATCH_UPS, catchUp } from './catch-up.ts';
import { SlotCluster, type StartOrder } from './slot-cluster.ts';

const HOUR = MICROS_PER_HOUR;
const DAY = 24 * HOUR;
const TENANT = 4;
const MILLI = 1_000;

/** Tenants of equal right. */
function equalTenants(count: number): { name: string; quotaMilli: number; weight: number }[] {
  return Array.from({ length: count }, (_, i) => ({ name: `team-${i}`, quotaMilli: 0, weight: 1 }));
}

function idAt(position: number): TransferId {
  return { position, kind: 1, subject: 0 };
}

const PLAIN = {
  debit: 0,
  credit: 0,
  amount: 0,
  timeoutMicros: 0,
  code: Code.None,
  job: -1,
  quantity: 0,
  price: 0,
};

/** A ledger with one tenant that mints. */
function mintingLedger(rate: number, halfLifeMicros: number): Ledger {
  const ledger = new Ledger({ halfLifeMicros });
  ledger.open('team', 0);
  ledger.apply([mintAt(idAt(0), TENANT, rate)], 0);
  return ledger;
}

/** Worst ratios of what a tenant had and committed to what it may. */
interface Spending {
  /** Largest balance over m/κ, supply over its bound, and commitments in any window W over m/κ + mW. */
  readonly balance: number;
  readonly supply: number;
  readonly window: number;
  /** The last on books where what comes back from a reserve has not evaporated. */
  readonly windowOfPlain: number;
}

const SPENDING_WORLDS = 60;
const SPENDING_EVENTS = 300;

/** A tenant that spends, parks tokens in reserves, and takes them back, at random. */
function spend(random: Random): Spending {
  const rate = 8e6;
  const ledger = mintingLedger(rate, DAY);
  const ceiling = ledger.ceilingOf(rate);
  const parked: { id: TransferId; amount: number; at: number }[] = [];
  const commitments: { time: number; amount: number }[] = [];
  const worst = { balance: 0, supply: 0 };
  let plain = 0;
  let time = 0;
  const plainCommitments: { time: number; amount: number }[] = [];
  for (let position = 1; position < SPENDING_EVENTS; position++) {
    const elapsed = Math.floor(2 ** (10 + 28 * random.nextFloat()));
    time += elapsed;
    plain = ceiling + (plain - ceiling) * 2 ** (-elapsed / DAY);
    ledger.settle(time);
    const available = ledger.accounts.available(TENANT);
    const { available: supply, bound } = supplyOf(ledger);
    worst.balance = Math.max(worst.balance, available / ceiling);
    worst.supply = Math.max(worst.supply, Number(supply) / Number(bound));
    const id = idAt(position);
    const back = random.nextInt(4) === 0 ? parked.shift() : undefined;
    if (back !== undefined) {
      ledger.apply([{ ...PLAIN, id, action: TransferAction.VoidPending, pending: back.id }], time);
      (commitments[back.at] as { amount: number }).amount = 0;
      (plainCommitments[back.at] as { amount: number }).amount = 0;
      plain += back.amount;
      continue;
    }
    const isParked = random.nextInt(2) === 0;
    const part = random.nextInt(3) === 0 ? 1 : random.nextFloat();
    const action = isParked ? TransferAction.Pend : TransferAction.Post;
    const amount = Math.floor(available * part);
    ledger.apply([{ ...PLAIN, id, action, debit: TENANT, credit: BURN, amount }], time);
    if (isParked) parked.push({ id, amount: plain * part, at: commitments.length });
    commitments.push({ time, amount });
    plainCommitments.push({ time, amount: plain * part });
    plain -= plain * part;
  }
  return {
    ...worst,
    window: windowOf(commitments, rate, ceiling),
    windowOfPlain: windowOf(plainCommitments, rate, ceiling),
  };
}

/** Over all windows at once: the largest rise of what was committed less what was minted. */
function windowOf(
  commitments: readonly { time: number; amount: number }[],
  rate: number,
  ceiling: number,
): number {
  let [spent, lowest, worst] = [0, 0, 0];
  for (const { time, amount } of commitments) {
    const income = (rate * time) / HOUR;
    lowest = Math.min(lowest, spent - income);
    spent += amount;
    worst = Math.max(worst, (spent - income - lowest) / ceiling);
  }
  return worst;
}

const BURST_JOBS = 1e5;
const BURST_AFTER = [1 / 24, 1 / 4, 1, 4];

/**
 * GPU-time that a tenant gets with 10^5 jobs in one second over what it gets when it submits them as they can run, after some
 * days.
 */
function burstGain(random: Random, start: StartOrder, order: TenantOrderKind = 'Usage'): number {
  const draws = random.fork(0);
  const run = (isBurst: boolean): number[] => {
    const runs = draws.fork(1);
    const cluster = new SlotCluster(
      50,
      { tenants: equalTenants(4), order, halfLifeMicros: DAY, rentPeriodMicros: HOUR / 2 },
      start,
    );
    const job = (): { gpus: number; runMicros: number } => ({
      gpus: 1,
      runMicros: HOUR / 4 + Math.floor((HOUR / 2) * runs.nextFloat()),
    });
    for (let tenant = 1; tenant < 4; tenant++) submitSteadily(cluster, tenant, job, 0, 5 * DAY);
    if (isBurst) cluster.submit(0, { gpus: 1, runMicros: HOUR / 2, count: BURST_JOBS }, DAY);
    else submitSteadily(cluster, 0, () => ({ gpus: 1, runMicros: HOUR / 2 }), DAY, 5 * DAY, 3);
    return BURST_AFTER.map((days) => {
      cluster.runTo(DAY + days * DAY);
      return cluster.used[0] as number;
    });
  };
  const burst = run(true);
  const gains = run(false).map((gradual, at) => ratioOf(burst[at] as number, gradual));
  return Math.max(...gains);
}

/** @returns The quotient; 1 where both are 0. */
function ratioOf(a: number, b: number): number {
  return a === b ? 1 : a / b;
}

/** More than a tenant's share: jobs for 25 GPUs, or a multiple of it. */
function submitSteadily(
  cluster: SlotCluster,
  tenant: number,
  job: () => { gpus: number; runMicros: number },
  from: number,
  to: number,
  factor = 1,
): void {
  for (let time = from; time < to; time += HOUR / (50 * factor)) cluster.submit(tenant, job(), time);
}

const MONTH = 30 * DAY;
const BUDGET_PARTS = [0.1, 0.2, 0.4];

/** Largest |paid / budget − 1| of tenants that always have another job, over three months. */
function budgetError(random: Random, isHeld: boolean): number {
  const tenants = equalTenants(4);
  const cluster = new SlotCluster(40, { tenants, halfLifeMicros: 7 * DAY, rentPeriodMicros: 4 * HOUR });
  const { market } = cluster;
  const mint = market.mints[0] as number;
  const limits = BUDGET_PARTS.map((part) => part * mint * (MONTH / HOUR));
  const table = new TenantTable();
  const specs = tenants.map(({ name }, tenant) => {
    const tokens = limits[tenant];
    if (tokens === undefined) return tenantSpec(name);
    const periodSeconds = MONTH / MICROS_PER_SECOND;
    return tenantSpec(name, {
      budget: { tokens: tokens / MICROS_PER_TOKEN, periodSeconds, onEmpty: 'Wait' },
    });
  });
  const tree = new TenantTree(marketSpec({ flavors: [quotaFlavor('gpu')] }), specs, table);
  const budgets = new TenantBudgets(tree);
  const numbers = tenants.map(({ name }) => table.find(name));
  const seconds = (micros: number): number => micros / MICROS_PER_SECOND;
  let month = 0;
  const before = limits.map(() => 0);
  const spentOf = (tenant: number): number =>
    market.chargedOf(tenant, cluster.now) - (before[tenant] as number);
  // Rents are quoted again each period: budgets count what was charged, not what the first quotes said.
  const correct = (tenant: number): void => {
    const now = seconds(cluster.now);
    for (; month < Math.floor(cluster.now / MONTH); month++)
      for (const each of limits.keys()) before[each] = market.chargedOf(each, cluster.now);
    const number = numbers[tenant] as number;
    if (tenant < limits.length)
      budgets.correct(number, spentOf(tenant) / MICROS_PER_TOKEN - budgets.spentOf(number, now), now);
  };
  if (isHeld) {
    cluster.admit = (tenant, { gpus, runMicros }) => {
      correct(tenant);
      const rate = gpus * market.quotedPrice(0, MILLI * gpus);
      return (
        budgets.exhaustedBy(numbers[tenant] as number, rate, seconds(runMicros), seconds(cluster.now)) ===
        CLUSTER_TENANT
      );
    };
  }
  cluster.onStart = (tenant, { runMicros }, lease) => {
    const rate = market.leases.rates[lease] as number;
    const now = seconds(cluster.now);
    budgets.start(numbers[tenant] as number, lease, rate, seconds(runMicros), now);
  };
  cluster.onEnd = (tenant, lease) => {
    const rate = market.leases.rates[lease] as number;
    budgets.end(numbers[tenant] as number, lease, rate, seconds(cluster.now));
  };
  for (let time = 0; time < 3 * MONTH; time += 8 * HOUR) {
    // The last tenant leaves room now and then: prices move.
    for (let tenant = 0; tenant < 4; tenant++) {
      const count = tenant === 3 ? 1 + random.nextInt(8) : 12;
      const runMicros = HOUR + Math.floor(8 * HOUR * random.nextFloat());
      cluster.submit(tenant, { gpus: 1 + random.nextInt(4), runMicros, count }, time);
    }
  }
  let worst = 0;
  for (let end = MONTH; end <= 3 * MONTH; end += MONTH) {
    cluster.runTo(end - 1);
    for (const [tenant, limit] of limits.entries()) {
      correct(tenant);
      worst = Math.max(worst, Math.abs(spentOf(tenant) / limit - 1));
    }
  }
  return worst;
}

/** T-26. */
export const SPENDING_BOUNDS: Claim = {
  test: 'T-26',
  title: 'Bounds of balances, supply, bursts and budgets',
  claim:
    'A balance never passes m/κ, the supply never Σ m/κ, and what is committed in any window W never m/κ + mW; 10⁵ jobs in one second win nothing over the same jobs one by one; monthly budgets are met within 5 %.',
  conditions:
    'κ = ln 2 / half-life; tokens that come back from a reserve evaporate for the time that they were away. Burst: 50 GPUs, four tenants of equal right with more work than fits, the burst after a day of idling. Budgets: jobs that end when they are expected to, tenants with more work than their budgets pay for; 10, 20 and 40 % of what they mint.',
  notClaimed:
    'Budgets do not stop what runs: a job that runs longer than it declares passes its budget by its own rent.',
  quick: false,
  measure(random: Random): Measurement {
    const worlds = Array.from({ length: SPENDING_WORLDS }, (_, world) => spend(random.fork(world)));
    const most = (of: (spending: Spending) => number): number => Math.max(...worlds.map(of));
    return {
      checks: [
        atMost(
          'largest balance over m/κ',
          most(({ balance }) => balance),
          1,
        ),
        atMost(
          'largest supply over its bound',
          most(({ supply }) => supply),
          1,
        ),
        atMost(
          'largest commitments in a window over m/κ + mW',
          most(({ window }) => window),
          1,
        ),
        atMost(
          'largest gain by 10⁵ jobs in one second, after 1 h, 6 h, 1 d, 4 d',
          burstGain(random.fork(1_000), 'market'),
          1.01,
        ),
        atMost(
          'the same where tenants are ordered by balance',
          burstGain(random.fork(1_000), 'market', 'Balance'),
          1.01,
        ),
        atMost('largest |spent / budget − 1| in a month', budgetError(random.fork(2_000), true), 0.05),
      ],
      controls: [
        atMost(
          'commitments in a window where what comes back from a reserve has not evaporated',
          most(({ windowOfPlain }) => windowOfPlain),
          1,
        ),
        atMost('gain by the burst if jobs start by arrival', burstGain(random.fork(1_000), 'arrival'), 1.01),
        atMost(
          '|spent / budget − 1| if budgets hold nothing back',
          budgetError(random.fork(2_000), false),
          0.05,
        ),
      ],
      notes: [
        `The fullest window reached ${most(({ window }) => window).toFixed(3)} of its bound in ${SPENDING_WORLDS} random lives of ${SPENDING_EVENTS} transfers.`,
      ],
    };
  },
};

/** Largest |B − (m/κ − decayed usage)| / (m/κ) of a tenant that spends at random. @param halfLife That usage decays with. */
function identityError(random: Random, halfLife: number): number {
  // 10,000 units: a micro-token is 10^−12 of m/κ.
  const rate = 1e10;
  const ledger = mintingLedger(rate, DAY);
  const ceiling = (rate * DAY) / HOUR / Math.LN2;
  let [usage, time, worst] = [ceiling, 0, 0];
  for (let position = 1; position < 5_000; position++) {
    const elapsed = Math.floor(2 ** 31 * random.nextFloat());
    time += elapsed;
    usage *= 2 ** (-elapsed / halfLife);
    ledger.settle(time, TENANT);
    const amount = Math.min(ledger.accounts.available(TENANT), Math.floor(random.nextDouble() * rate));
    const burn: Transfer = {
      ...PLAIN,
      id: idAt(position),
      action: TransferAction.Post,
      debit: TENANT,
      credit: BURN,
      amount,
    };
    ledger.apply([burn], time);
    usage += amount;
    worst = Math.max(worst, Math.abs(ledger.accounts.available(TENANT) - (ceiling - usage)) / ceiling);
  }
  return worst;
}

/** What a balance is, to the micro-token. */
function identities(random: Random): Measurement['checks'] {
  return [
    atMost('largest |B − (m/κ − V)| over m/κ, 5,000 transfers', identityError(random.fork(10), DAY), 1e-9),
    atMost(
      'largest |B that a market reads − what its ledger settles to| over m/κ: a few micro-tokens',
      readingError(random.fork(11), DAY),
      1e-8,
    ),
  ];
}

/** T-27. */
export const BALANCE_IS_USAGE: Claim = {
  test: 'T-27',
  title: 'A balance is decayed usage, and catches up by a closed form',
  claim:
    'B = m/κ − V, where V is usage that decays with the half-life; so after one tenant had everything for a time T, another one gets everything for h·log2(2 − 2^(−T/h)), at most a half-life, and then both share. Ordered by usage with a memory of M hours of a share it gets everything until M hours of its share are made up for, at the most.',
  conditions:
    'Two tenants of equal right with more work than fits, prices at their cap; T = h; rent periods of 1/144 of the half-life or less, jobs of about that length; half-lives of 1 h, 1 d, 7 d. By usage: T = 2M, which would be 4M hours of a share; memories of 1 h, 1 d, 7 d.',
  notClaimed: 'Not to the second: rent is charged a period ahead.',
  quick: false,
  measure(random: Random): Measurement {
    const ratios = CATCH_UPS.map(
      ({ halfLife, period }, at) =>
        catchUp(
          { halfLife, period, memory: Number.POSITIVE_INFINITY, alone: halfLife },
          random.fork(at),
          'Balance',
        ) /
        (halfLife * Math.log2(1.5)),
    );
    // Alone for two memories: half a memory is made up for, at twice the rate of a share.
    const bounded = CATCH_UPS.map(
      ({ halfLife: memory, period }, at) =>
        catchUp({ halfLife: DAY, period, memory, alone: 2 * memory }, random.fork(at), 'Usage') /
        (memory / 2),
    );
    const [day] = CATCH_UPS.slice(1) as [(typeof CATCH_UPS)[number]];
    return {
      checks: [
        ...identities(random),
        ...ratios.map((ratio, at) =>
          within(
            `time to catch up over the closed form, half-life ${CATCH_UPS[at]?.name}`,
            ratio,
            0.98,
            1.02,
          ),
        ),
        ...bounded.map((ratio, at) =>
          within(
            `ordered by usage: the same over M/2, memory M of ${CATCH_UPS[at]?.name}`,
            ratio,
            0.98,
            1.02,
          ),
        ),
      ],
      controls: [
        atMost(
          '|B − (m/κ − V)| over m/κ if usage decays a hundredth slower',
          identityError(random.fork(10), 1.01 * DAY),
          1e-9,
        ),
        atMost(
          '|B read − settled| over m/κ if .999 of B is read',
          readingError(random.fork(11), DAY, 0.999),
          1e-8,
        ),
        within(
          'time to catch up over the closed form if jobs start by arrival',
          catchUp({ ...day, memory: Number.POSITIVE_INFINITY, alone: DAY }, random.fork(1), 'arrival') /
            (DAY * Math.log2(1.5)),
          0.98,
          1.02,
        ),
        within(
          'ordered by usage: the same over M/2 if four times as much is remembered',
          catchUp({ ...day, memory: 4 * DAY, alone: 2 * DAY }, random.fork(1), 'Usage') / (DAY / 2),
          0.98,
          1.02,
        ),
      ],
    };
  },
};

const GANG_GPUS = 40;
const GANG_SAVES = DAY;
const LONGEST = 4 * HOUR;

/** @returns When a gang that costs more than m/κ starts, over P/m and the longest job; Infinity: not in ten times that. */
function gangStart(
  random: Random,
  saves: boolean,
): { readonly start: number; readonly costOverCeiling: number } {
  const tenants = equalTenants(4);
  const cluster = new SlotCluster(50, { tenants, halfLifeMicros: DAY, rentPeriodMicros: HOUR / 6 });
  const { market } = cluster;
  let cost = 0;
  const submitGang = (): void => {
    cost = cluster.costOfGang(GANG_GPUS, GANG_SAVES);
    const gang = { gpus: GANG_GPUS, runMicros: GANG_SAVES };
    cluster.submit(0, saves ? { ...gang, savesMicros: GANG_SAVES } : gang, DAY);
  };
  if (!saves) cluster.admit = (tenant) => tenant !== 0 || market.canAfford(0, cost, cluster.now);
  const horizon = 40 * DAY;
  for (let tenant = 1; tenant < 4; tenant++) {
    for (let time = 0; time < horizon; time += HOUR / 4) {
      const gpus = 1 + random.nextInt(4);
      cluster.submit(
        tenant,
        { gpus, runMicros: HOUR + Math.floor((LONGEST - HOUR) * random.nextFloat()) },
        time,
      );
    }
  }
  cluster.runTo(DAY - 1);
  submitGang();
  const bound = (cost / (market.mints[0] as number)) * HOUR + LONGEST;
  cluster.runTo(Math.min(horizon, DAY + 10 * bound));
  const start = cluster.starts[0] === 0 ? Number.POSITIVE_INFINITY : (cluster.lastStart[0] as number) - DAY;
  return { start: start / bound, costOverCeiling: cost / (market.book.ceilings[0] as number) };
}

/** T-29. */
export const SAVED_GANGS: Claim = {
  test: 'T-29',
  title: 'A gang that no balance pays for starts if it saves',
  claim:
    'A gang whose cost P exceeds m/κ never starts out of a balance; out of a reserve that does not evaporate it starts within P/m and the longest job that ran when it was full.',
  conditions:
    'Mint above 0, prices with a cap, and the gang that has saved enough first gets the room that it needs: nothing starts before it then. 50 GPUs that small jobs of three other tenants keep full; a gang of 40 GPUs that pays for a day ahead; half-life a day.',
  notClaimed: 'Nothing about a tenant that spends beside its savings: what it spends, it does not save.',
  quick: false,
  measure(random: Random): Measurement {
    const saved = gangStart(random.fork(0), true);
    const unsaved = gangStart(random.fork(0), false);
    return {
      checks: [
        atMost('start of the gang over P/m and the longest job', saved.start, 1.01),
        within('its cost over m/κ', saved.costOverCeiling, 1, Number.POSITIVE_INFINITY),
      ],
      controls: [
        atMost(
          'start of the gang if it waits for its balance (∞: not within ten times the bound)',
          unsaved.start,
          1.01,
        ),
      ],
    };
  },
};
