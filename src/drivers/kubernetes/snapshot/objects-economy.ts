/**
 * The economy of a file, or of a list of objects: Market, Tenants and namespaces as the scheduler's own feed reads them, once all
 * of them were seen.
 *
 * Balances are those of the tenants' statuses, of four digits that count; a tenant without one begins as a new one does.
 */
import type { PodEvent } from '../../../governor/pods/pod-events.ts';
import type { EconomyMode } from '../../../market/tenants/economy-description.ts';
import { type ApiObject, isRecord } from '../../../model/readers/read-object.ts';
import { EconomyFeed, MARKET_NAME } from '../economy/economy-feed.ts';

const MICROS_PER_TOKEN = 1e6;

/** Most problems of objects that are reported. */
const PROBLEMS_MAX = 20;

/** Collects the objects of an economy. */
export class ObjectsEconomy {
  private readonly onWarning: (message: string) => void;
  private readonly objects: ApiObject[] = [];
  private readonly namespaces: PodEvent[] = [];
  private readonly balances: Record<string, number> = {};
  private recordedMode: unknown;

  /** @param onWarning Called for objects that cannot be used, and for the mode that is assumed. */
  constructor(onWarning: (message: string) => void) {
    this.onWarning = onWarning;
  }

  /** @returns True for a Market or Tenant: nobody else reads it. */
  see(object: ApiObject): boolean {
    const { kind, metadata, status } = object;
    if ((kind !== 'Market' && kind !== 'Tenant') || !isRecord(metadata)) return false;
    this.objects.push(object);
    if (!isRecord(status)) return true;
    if (kind === 'Market' && metadata.name === MARKET_NAME) this.recordedMode = status.mode;
    const balance = kind === 'Tenant' && typeof status.balance === 'string' ? Number(status.balance) : 0;
    if (Number.isFinite(balance) && balance > 0)
      this.balances[String(metadata.name)] = Math.floor(balance * MICROS_PER_TOKEN);
    return true;
  }

  /** An event of the same objects: of namespaces the labels count. */
  noticed(event: PodEvent): void {
    if (event.kind === 'namespace') this.namespaces.push(event);
  }

  /**
   * @param mode Undefined: the one that the Market's status has; if it has none, `enforce`.
   * @returns    Balances and the economy, for the scheduler after all other objects; none without a usable Market.
   * @cost       O(tenants × namespaces).
   */
  events(mode: EconomyMode | undefined): PodEvent[] {
    if (this.objects.length === 0 || mode === 'off') return [];
    const isRecorded = this.recordedMode === 'observe' || this.recordedMode === 'enforce';
    const fed: PodEvent[] = [];
    let problems = 0;
    const feed = new EconomyFeed({
      mode: mode ?? (isRecorded ? (this.recordedMode as EconomyMode) : 'enforce'),
      feed: (event) => fed.push(event),
      onProblem: (kind, name, problem) => {
        if (problems++ < PROBLEMS_MAX) this.onWarning(`${kind} ${name}: ${problem}`);
      },
    });
    for (const event of this.namespaces) feed.noticed(event);
    for (const object of this.objects) {
      if (object.kind === 'Market') feed.setMarket(object);
      else feed.setTenant(object);
    }
    feed.listed('markets');
    feed.listed('tenants');
    feed.stop();
    if (fed.length === 0) return [];
    return Object.keys(this.balances).length === 0
      ? fed
      : [{ kind: 'balances', balances: this.balances }, ...fed];
  }
}
