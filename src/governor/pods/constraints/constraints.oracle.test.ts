/**
 * The rules against an oracle without memory, on random clusters through random changes.
 */
import { describe, expect, test } from 'vitest';
import { Random } from '../../../kernel/random.ts';
import type { ClaimDescription, VolumeDescription } from '../../../model/kubernetes/node.ts';
import type { PodTemplate } from '../../../model/kubernetes/pod.ts';
import type { PodShape } from '../constraints.ts';
import type { PodEvent } from '../pod-events.ts';
import { ClusterConstraints } from './cluster-constraints.ts';
import {
  Draw,
  drawAttachment,
  drawCapacity,
  drawClaim,
  drawClass,
  drawLimits,
  drawNamespace,
  drawNamespaceLabels,
  drawNode,
  drawTemplate,
  drawVolume,
} from './constraints.fixtures.ts';
import { ConstraintsOracle, type OraclePromise, type PlacedPod } from './constraints.oracle.ts';

const SHAPES = 7;
const SLOTS = 6;
const STEPS = 40;
const RUNS = 500;

/** One cluster twice: the rules and the oracle. */
class Twin {
  readonly rules: ClusterConstraints;
  readonly oracle = new ConstraintsOracle();
  readonly shapes: PodShape[] = [];
  private readonly draw: Draw;
  private uids = 0;

  constructor(seed: number, small: boolean) {
    this.draw = new Draw(new Random(seed));
    this.rules = new ClusterConstraints(
      small ? { countersMax: 3, nodeClassesMax: 2, tolerationsMax: 1 } : undefined,
    );
    for (let id = 0; id < SHAPES; id++) this.shapes.push({ id, template: drawTemplate(this.draw) });
    for (const name of ['local', 'made', 'now']) {
      let drawn = drawClass(this.draw);
      while (drawn.name !== name) drawn = drawClass(this.draw);
      this.take({ kind: 'storage-class', storageClass: drawn });
    }
    for (let i = 0; i < 8; i++) this.changeStorage();
  }

  step(): void {
    const kind = this.draw.below(20);
    if (kind < 4) this.setNode();
    else if (kind < 5) this.removeNode();
    else if (kind < 12) this.addPod();
    else if (kind < 15) this.removePod();
    else if (kind < 16) this.changeNamespace();
    else if (kind < 18) this.changeStorage();
    else if (kind < 19) this.changeCsiNodeOrDriver();
    else this.renewShape();
  }

  compare(): void {
    const slots = [...this.oracle.nodes.keys()].filter(() => this.draw.chance(0.8));
    for (const shape of this.shapes) {
      this.compareShape(shape, [...this.oracle.nodes.keys()]);
      this.compareScores(shape, slots);
    }
  }

  /** Takes pods off and puts them back, in another order, as preemption does. */
  there(): void {
    const gone = this.oracle.pods.filter(() => this.draw.chance(0.5));
    for (const pod of gone) this.rules.removePod(pod.node, this.shapeOf(pod), pod.uid);
    for (const shape of this.shapes) this.rules.preFilter(shape);
    for (const pod of gone.reverse()) this.rules.addPod(pod.node, this.shapeOf(pod), pod.uid, pod.leaving);
  }

  private compareShape(shape: PodShape, slots: readonly number[]): void {
    const { rules, oracle } = this;
    const { template } = shape;
    const before = oracle.before(template);
    expect(rules.preFilter(shape)?.reason ?? '').toBe(before);
    if (before !== '') return;
    const found = slots.map((slot) => rules.check(slot));
    expect(found).toEqual(slots.map((slot) => oracle.refusal(template, slot)));
    for (const slot of slots) {
      const claims = rules.claimsFor(shape, slot).map(({ claim, volume }) => `${claim} ${volume}`);
      const wanted = oracle.match(template, slot);
      expect(claims.sort()).toEqual(typeof wanted === 'number' ? [] : wanted.map(nameOf).sort());
    }
    if (rules.isPlain(shape)) {
      const open = slots.filter((slot) => isOpen(oracle, slot));
      expect(open.every((slot) => oracle.refusal(template, slot) === 0)).toBe(true);
    }
    this.compareConcern(shape, slots, found);
  }

  /** A pod of a shape that does not affect another changes nothing for it. */
  private compareConcern(shape: PodShape, slots: readonly number[], found: readonly number[]): void {
    const other = this.draw.of(this.shapes);
    if (slots.length === 0 || this.rules.concerns(shape, other)) return;
    const node = this.draw.of(slots);
    this.oracle.pods.push({ uid: '', node, template: other.template, leaving: false, promises: [] });
    expect(slots.map((slot) => this.oracle.refusal(shape.template, slot))).toEqual(found);
    this.oracle.pods.pop();
  }

  private compareScores(shape: PodShape, slots: readonly number[]): void {
    const { rules, oracle } = this;
    if (slots.length === 0 || rules.preFilter(shape) !== undefined) return;
    const scores = new Float64Array(slots.length + 1).fill(-7);
    rules.scoreAll(Int32Array.from(slots), slots.length, scores);
    const wanted = oracle.scores(shape.template, slots);
    expect([...scores]).toEqual([...wanted, -7]);
    if (!rules.hasPreferences(shape)) expect(new Set(wanted).size).toBe(1);
  }

  private setNode(): void {
    const slot = this.draw.below(SLOTS);
    const known = this.oracle.nodes.get(slot);
    // A slot may be reused by a node of another name, once it is free.
    const name = known?.name ?? this.freeName();
    const node = drawNode(this.draw, name);
    this.oracle.nodes.set(slot, node);
    this.rules.setNode(slot, node);
  }

  private freeName(): string {
    const used = new Set([...this.oracle.nodes.values()].map(({ name }) => name));
    return this.draw.of([0, 1, 2, 3, 4, 5].map((i) => `n${i}`).filter((name) => !used.has(name)));
  }

  private removeNode(): void {
    if (this.oracle.nodes.size === 0) return;
    const slot = this.draw.of([...this.oracle.nodes.keys()]);
    for (const pod of this.oracle.pods.filter(({ node }) => node === slot)) this.takeOff(pod);
    this.oracle.nodes.delete(slot);
    this.rules.removeNode(slot);
  }

  private addPod(): void {
    if (this.oracle.nodes.size === 0) return;
    const node = this.draw.of([...this.oracle.nodes.keys()]);
    const shape = this.draw.of(this.shapes);
    const uid = `pod-${this.uids++}`;
    const leaving = this.draw.chance(0.2);
    const { template } = shape;
    const before = this.oracle.before({ ...template, requiredNodeTerms: undefined });
    const found = before === '' ? this.oracle.match(template, node) : [];
    const promises = typeof found === 'number' ? [] : found;
    // A claim's existing reservations stay.
    const standing = new Map(this.oracle.pods.flatMap((pod) => pod.promises).map((p) => [p.claim, p]));
    const kept = promises.map((promise) => standing.get(promise.claim) ?? promise);
    this.oracle.pods.push({ uid, node, template, leaving, promises: kept });
    this.rules.addPod(node, shape, uid, leaving);
  }

  private removePod(): void {
    if (this.oracle.pods.length > 0) this.takeOff(this.draw.of(this.oracle.pods));
  }

  private takeOff(pod: PlacedPod): void {
    this.oracle.pods.splice(this.oracle.pods.indexOf(pod), 1);
    this.rules.removePod(pod.node, this.shapeOf(pod), pod.uid);
  }

  private shapeOf(pod: PlacedPod): PodShape {
    return this.shapes.find(({ template }) => template === pod.template) as PodShape;
  }

  private changeNamespace(): void {
    const name = drawNamespace(this.draw);
    if (this.draw.chance(0.3)) {
      this.oracle.namespaces.delete(name);
      this.rules.take({ kind: 'namespace-gone', name });
      return;
    }
    const labels = drawNamespaceLabels(this.draw);
    this.oracle.namespaces.set(name, labels);
    this.rules.take({ kind: 'namespace', name, labels });
  }

  private changeLimits(): void {
    const { draw, oracle, rules } = this;
    const limits = drawLimits(draw);
    if (draw.chance(0.3)) {
      oracle.limits.delete(limits.name);
      rules.take({ kind: 'volume-limits-gone', name: limits.name });
      return;
    }
    oracle.limits.set(limits.name, limits);
    rules.take({ kind: 'volume-limits', limits });
  }

  /** Objects that CSI drivers report. */
  private changeCsi(): void {
    const { draw, oracle, rules } = this;
    const gone = draw.chance(0.3);
    const kind = draw.below(5);
    if (kind === 0) {
      const driver = { name: 'disk.csi', tracksCapacity: draw.chance(0.7) };
      oracle.tracking.delete(driver.name);
      if (!gone && driver.tracksCapacity) oracle.tracking.add(driver.name);
      rules.take(gone ? { kind: 'csi-driver-gone', name: driver.name } : { kind: 'csi-driver', driver });
    } else if (kind < 3) {
      const capacity = drawCapacity(draw);
      const { key } = capacity;
      if (gone) oracle.capacities.delete(key);
      else oracle.capacities.set(key, capacity);
      rules.take(gone ? { kind: 'storage-capacity-gone', key } : { kind: 'storage-capacity', capacity });
    } else {
      const attachment = drawAttachment(draw);
      const { name } = attachment;
      if (gone) oracle.attachments.delete(name);
      else oracle.attachments.set(name, attachment);
      rules.take(gone ? { kind: 'volume-attachment-gone', name } : { kind: 'volume-attachment', attachment });
    }
  }

  private changeCsiNodeOrDriver(): void {
    if (this.draw.chance(0.5)) this.changeLimits();
    else this.changeCsi();
  }

  private changeStorage(): void {
    const kind = this.draw.below(10);
    if (kind < 4) this.take({ kind: 'claim', claim: drawClaim(this.draw) });
    else if (kind < 8) this.take({ kind: 'volume', volume: drawVolume(this.draw) });
    else if (kind < 9) this.take({ kind: 'claim-gone', key: drawClaim(this.draw).key });
    else this.take({ kind: 'volume-gone', name: drawVolume(this.draw).name });
  }

  /** Storage events change reservations: a claim that is bound, gone or refused, a volume that is gone or released. */
  private take(event: PodEvent): void {
    const { oracle } = this;
    this.rules.take(event);
    if (event.kind === 'storage-class') oracle.classes.set(event.storageClass.name, event.storageClass);
    if (event.kind === 'claim') {
      const before = oracle.claims.get(event.claim.key);
      oracle.claims.set(event.claim.key, event.claim);
      const refused = before !== undefined && before.selectedNode !== '' && event.claim.selectedNode === '';
      const isOther = before !== undefined && before.uid !== event.claim.uid;
      if (event.claim.volumeName !== '' || refused || isOther)
        this.breakPromises((p) => p.claim === event.claim.key);
    }
    if (event.kind === 'claim-gone') {
      oracle.claims.delete(event.key);
      this.breakPromises((p) => p.claim === event.key);
    }
    if (event.kind === 'volume') {
      const { volume } = event;
      const before = oracle.volumes.get(volume.name);
      oracle.volumes.set(volume.name, volume);
      const givenUp = before !== undefined && before.claim !== '' && before.claim !== volume.claim;
      this.breakPromises(
        (p) =>
          p.volume === volume.name &&
          (givenUp || volume.deleting === true || !isFreeFor(volume, oracle.claims.get(p.claim))),
      );
    }
    if (event.kind === 'volume-gone') {
      oracle.volumes.delete(event.name);
      this.breakPromises((p) => p.volume === event.name);
    }
  }

  private breakPromises(broken: (promise: OraclePromise) => boolean): void {
    for (const pod of this.oracle.pods) pod.promises = pod.promises.filter((promise) => !broken(promise));
  }

  /** An id means another shape, once no pod is left. */
  private renewShape(): void {
    const shape = this.draw.of(this.shapes);
    for (const pod of this.oracle.pods.filter(({ template }) => template === shape.template))
      this.takeOff(pod);
    this.rules.forgetShape(shape.id);
    const template: PodTemplate = drawTemplate(this.draw);
    this.shapes[shape.id] = { id: shape.id, template };
  }
}

function isFreeFor(volume: VolumeDescription, claim: ClaimDescription | undefined): boolean {
  if (volume.claim === '') return true;
  return volume.claim === claim?.key && (volume.claimUid === '' || volume.claimUid === claim.uid);
}

function nameOf({ claim, volume }: OraclePromise): string {
  return `${claim.slice(claim.indexOf('/') + 1)} ${volume}`;
}

function isOpen(oracle: ConstraintsOracle, slot: number): boolean {
  const node = oracle.nodes.get(slot);
  return (
    node !== undefined && !node.unschedulable && node.taints.every((t) => t.effect === 'PreferNoSchedule')
  );
}

describe('the rules answer as the oracle does', () => {
  test.each([
    ['with room to remember', false],
    ['with next to no room to remember', true],
  ])('%s', (_, small) => {
    let compared = 0;
    for (let seed = 1; seed <= RUNS; seed++) {
      const twin = new Twin(seed, small);
      for (let step = 0; step < STEPS; step++) {
        twin.step();
        if (step % 8 !== 7) continue;
        try {
          twin.compare();
          twin.there();
          twin.compare();
          compared++;
        } catch (error) {
          throw new Error(`seed ${seed}, step ${step}: ${(error as Error).message}`, { cause: error });
        }
      }
    }
    expect(compared).toBe(RUNS * Math.floor(STEPS / 8));
  });
});
