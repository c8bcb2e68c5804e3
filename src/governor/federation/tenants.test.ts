/** The tenant of a job, from its submission to a host to the accounts of the zone that it runs in. */
import { describe, expect, test } from 'vitest';
import { CountingAccounts, QuotaAccounts } from '../accounts.fixtures.ts';
import type { Accounts } from '../accounts.ts';
import {
  type AnyMessage,
  DemandId,
  entry,
  jobOf,
  makeGovernor,
  makeHost,
  makeSummaryNode,
  message,
  type Shown,
  Stage,
  type Step,
  showing,
} from './federation.fixtures.ts';
import type { AgentHost } from './host/agent-host.ts';
import { MessageKind } from './messages.ts';
import type { SummaryNode } from './summary-node.ts';
import type { ZoneGovernor } from './zone/zone-governor.ts';

const ZONE = 0;
const HOST = 50;
const NODE = 100;

/** A host, a summary node above a zone of one node with four GPUs, and all messages between them, at once. */
class Federation {
  readonly host: Stage<AgentHost>;
  readonly zone: Stage<ZoneGovernor>;
  readonly sent: AnyMessage[] = [];
  private readonly node: Stage<SummaryNode>;
  private readonly stages: ReadonlyMap<number, Stage<AgentHost | SummaryNode | ZoneGovernor>>;
  private boards = 0;

  constructor(accounts: Accounts) {
    this.host = new Stage(makeHost({ id: HOST, options: { standingZones: 1 } }));
    this.zone = new Stage(makeGovernor({ id: ZONE, parent: -1, accounts }));
    const children = [{ id: ZONE, isGroup: false, position: 0 }];
    this.node = new Stage(makeSummaryNode({ id: NODE, children }));
    const { host, zone, node } = this;
    this.stages = new Map<number, Stage<AgentHost | SummaryNode | ZoneGovernor>>([
      [HOST, host],
      [ZONE, zone],
      [NODE, node],
    ]);
  }

  /** The host reads a board, on which the group of the summary node or the zone itself shows room. */
  board(at: number, freeGpuMilli: number, target = NODE): void {
    const shown: Shown = { freeGpuMilli, takenAt: at };
    const version = ++this.boards;
    const hologram = showing(shown);
    this.node.receive(message(MessageKind.Summary, ZONE, NODE, { version, hologram }), at);
    const entries = [entry(target, version, shown, target === NODE)];
    this.deliver(this.host.receive(message(MessageKind.Board, NODE, HOST, { entries }), at), at);
  }

  submit(job: number, tenant: number, at: number, pods = 1): void {
    const submitted = jobOf(job, DemandId.OneGpu, pods, pods, 0, tenant);
    this.deliver(
      this.host.step((out) => this.host.process.submit(submitted, at, out)),
      at,
    );
  }

  exit(job: number, at: number): void {
    const { ledger } = this.zone.process;
    const offer = ledger.offers[ledger.localOf(job)] as number;
    this.deliver(
      this.zone.step((out) => this.zone.process.podsExited(job, offer, at, out)),
      at,
    );
  }

  state(job: number): string | undefined {
    return this.host.process.explain(job)?.state;
  }

  private deliver(step: Step, at: number): void {
    const mail = [...step.messages];
    for (let next = mail.shift(); next !== undefined; next = mail.shift()) {
      this.sent.push(next);
      const to = this.stages.get(next.to);
      if (to !== undefined) mail.push(...to.receive(next, at).messages);
    }
  }
}

describe("the accounts of a zone count a job for its host's tenant", () => {
  test.each([
    ['asked directly', ZONE],
    ['asked through a summary node', NODE],
  ])('%s', (_, target) => {
    const accounts = new CountingAccounts();
    const all = new Federation(accounts);
    all.board(0, 4000, target);
    all.submit(7, 5, 1, 2);
    all.submit(8, 6, 1);
    expect([all.state(7), all.state(8)]).toEqual(['running', 'running']);
    expect([...accounts.pods]).toEqual([
      [5, 2],
      [6, 1],
    ]);
    const { zone } = all.zone.process.arbiter;
    const { ledger } = all.zone.process;
    expect([7, 8].map((job) => zone.tenantOf(ledger.localOf(job)))).toEqual([5, 6]);
    all.exit(7, 2);
    expect([...accounts.pods]).toEqual([
      [5, 0],
      [6, 1],
    ]);
  });

  test('on a standing request, and when it is granted', () => {
    const accounts = new CountingAccounts();
    const all = new Federation(accounts);
    all.board(0, 4000, ZONE);
    all.submit(1, 4, 0, 4);
    all.board(1, 0, ZONE);
    all.submit(2, 5, 1);
    const requests = all.sent.filter(({ kind, job }) => kind === MessageKind.Propose && job === 2);
    expect(requests.map(({ tenant }) => tenant)).toEqual([5]);
    expect(accounts.pods.get(5)).toBeUndefined();
    all.exit(1, 2);
    expect(all.state(2)).toBe('running');
    expect([...accounts.pods]).toEqual([
      [4, 0],
      [5, 1],
    ]);
  });

  test('after host and zone have lost their logs', () => {
    const accounts = new CountingAccounts();
    const all = new Federation(accounts);
    const zone = all.zone.process;
    const run = { job: 7, offer: 91, host: HOST, demandId: DemandId.OneGpu, tenant: 5 };
    zone.adopt({ ...run, nodes: [0], gpuMasks: [1] }, 0);
    expect([...accounts.pods]).toEqual([[5, 1]]);
    // A node is lost, and the job asks again.
    all.host.process.adopt(jobOf(7, DemandId.OneGpu, 1, 1, 0, 5), ZONE, 91, 0);
    expect(all.host.process.jobs.row(7)?.tenant).toBe(5);
    const ended = all.zone.step((out) => zone.nodeDown(0, 1, out)).messages;
    all.host.receive(ended[0] as AnyMessage, 1);
    all.zone.step((out) => zone.nodeUp(0, 2, out));
    all.board(3, 4000, ZONE);
    expect(all.state(7)).toBe('running');
    expect([...accounts.pods]).toEqual([[5, 1]]);
  });
});

test('a tenant that the accounts do not admit is refused, another one is not', () => {
  const accounts = new QuotaAccounts(1);
  const all = new Federation(accounts);
  all.board(0, 4000, ZONE);
  all.submit(1, 5, 0);
  all.submit(2, 6, 0);
  expect([all.state(1), all.state(2)]).toEqual(['running', 'running']);
  all.submit(3, 5, 0);
  expect(all.state(3)).toBe('waiting');
  expect(accounts.refusals).toBeGreaterThan(0);
  expect([...accounts.pods]).toEqual([
    [5, 1],
    [6, 1],
  ]);
});
