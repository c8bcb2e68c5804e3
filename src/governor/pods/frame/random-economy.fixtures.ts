/** A random life of a cluster with an economy that changes: tenants with quotas, limits and holds, more or less than there is. */
import { Random } from '../../../kernel/random.ts';
import { type EconomyMode, podTenantSpec } from '../../../market/tenants/economy-description.ts';
import {
  type MarketSpec,
  marketSpec,
  PREEMPTION_DEFAULTS,
  type QuotaAmounts,
  quotaFlavor,
  type TenantSpec,
  tenantSpec,
} from '../../../market/tenants/spec.ts';
import type { PodEffect, PodEvent } from '../pod-events.ts';
import { type LifeOptions, RandomLife } from '../random-life.fixtures.ts';
import { selector } from '../scheduler.fixtures.ts';

/** Tenants of the pods of `RandomLife`: each has the namespace of its name. */
const TEAMS = ['team-0', 'team-1', 'team-2', 'team-3'] as const;

/** `RandomLife` with events of the economy in between. */
export class EconomyLife {
  private readonly life: RandomLife;
  private readonly random: Random;
  private readonly waiting: PodEvent[];

  constructor(seed: number, size: LifeOptions) {
    this.life = new RandomLife(seed, size);
    this.random = new Random(seed + 77);
    this.waiting = TEAMS.map((name) => ({ kind: 'namespace', name, labels: { team: name } }));
    this.waiting.push(this.economy('enforce'));
  }

  get timeSeconds(): number {
    return this.life.timeSeconds;
  }

  take(effects: readonly PodEffect[]): void {
    this.life.take(effects);
  }

  next(): PodEvent {
    const event = this.waiting.shift();
    if (event !== undefined) return event;
    if (this.draw(60) > 0) return this.life.next();
    if (this.draw(3) > 0)
      return this.economy((['enforce', 'enforce', 'observe', 'off'] as const)[this.draw(4)]);
    const name = TEAMS[this.draw(4)] as string;
    return { kind: 'namespace', name, labels: { team: this.draw(5) === 0 ? 'nobody' : name } };
  }

  private draw(n: number): number {
    return this.random.nextInt(n);
  }

  private economy(mode: EconomyMode = 'enforce'): PodEvent {
    return {
      kind: 'economy',
      economy: {
        mode,
        market: this.market(),
        tenants: TEAMS.map((name) => podTenantSpec(this.tenant(name), selector('team', name))),
      },
    };
  }

  private market(): MarketSpec {
    const champion = { afterSeconds: this.draw(10), reservationsMax: this.draw(3) } as const;
    return marketSpec({
      flavors: [
        quotaFlavor('ssd', { nodeLabels: { disk: 'ssd' } }),
        quotaFlavor('other', { unitsPerHour: { core: 0.1, gib: 0, gpu: 1 } }),
      ],
      ...(this.draw(2) === 0 ? { tokens: true } : {}),
      champion: {
        ...champion,
        unknownRuntime: (['Predict', 'Tenant', 'Never'] as const)[this.draw(3)] ?? 'Never',
      },
    });
  }

  private tenant(name: string): TenantSpec {
    const quota = { ssd: this.amounts(), other: this.amounts() };
    const limits = this.draw(3) === 0 ? { limit: { ssd: quota.ssd, other: quota.other } } : {};
    const budget = {
      tokens: this.draw(4),
      periodSeconds: 600,
      onEmpty: this.draw(2) === 0 ? 'Wait' : 'IdleOnly',
    };
    return tenantSpec(name, {
      quota,
      ...limits,
      ...(this.draw(3) === 0 ? { budget: budget as NonNullable<TenantSpec['budget']> } : {}),
      weight: this.draw(3),
      state: this.draw(8) === 0 ? (this.draw(2) === 0 ? 'Hold' : 'HoldAndDrain') : 'Open',
      preemption: { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: this.draw(5), ratePerHour: this.draw(2) },
      defaultRuntimeSeconds: 1 + this.draw(50),
    });
  }

  private amounts(): QuotaAmounts {
    return { cpuMilli: 1000 * this.draw(5), gpuMilli: 1000 * this.draw(3) };
  }
}
