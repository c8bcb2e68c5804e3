/** Caches do not grow with objects that came and went. */
import { expect, test } from 'vitest';
import { apps, Cluster, HOST, near, spread, ZONE } from './cluster.fixtures.ts';
import { emptyTemplate, plainNode } from './constraints.fixtures.ts';

test('counters and node selectors: not more than allowed, and the answers stay right', () => {
  const cluster = new Cluster({ countersMax: 8, nodeClassesMax: 4, tolerationsMax: 2 })
    .zoned('a', 'za')
    .zoned('b', 'zb');
  for (let i = 0; i < 200; i++) {
    const labels = { app: `app-${i}` };
    const selector = apps(`app-${i}`);
    const pod = {
      labels,
      nodeSelector: { [ZONE]: i % 2 === 0 ? 'za' : 'zb' },
      tolerations: [{ key: `key-${i}`, operator: 'Exists' as const, value: '', effect: '' as const }],
      antiAffinity: [near(HOST, `app-${i}`)],
      spread: [spread(ZONE, { selector, honorNodeTaints: true }), spread(HOST, { selector, maxSkew: 5 })],
    };
    const node = i % 2 === 0 ? 'a' : 'b';
    expect(cluster.fits(pod)).toEqual([node]);
    const takeOff = cluster.put(node, { labels });
    expect(cluster.fits(pod)).toEqual([]);
    takeOff();
  }
  const sizes = cluster.rules.sizes();
  expect(sizes.counters).toBeLessThanOrEqual(8);
  // Selectors that counters use stay as long as the counters.
  expect(sizes.nodeClasses).toBeLessThanOrEqual(4 + 8);
});

test('a pod with more terms than counters are remembered is still placed right', () => {
  const cluster = new Cluster({ countersMax: 4 }).node('n').node('m');
  const names = Array.from({ length: 20 }, (_, i) => `app-${i}`);
  const pod = { antiAffinity: names.map((name) => near(HOST, name)) };
  for (const name of names) {
    const takeOff = cluster.put('n', { labels: { app: name } });
    expect(cluster.fits(pod)).toEqual(['m']);
    takeOff();
    expect(cluster.fits(pod)).toEqual(['n', 'm']);
  }
});

test('terms of pods go some time after the last pod with them, shapes at once', () => {
  const { rules } = new Cluster().node('n');
  for (let i = 0; i < 5000; i++) {
    const shape = { id: i % 10, template: emptyTemplate({ antiAffinity: [near(HOST, `app-${i}`)] }) };
    rules.addPod(0, shape, `pod-${i}`);
    rules.preFilter(shape);
    rules.removePod(0, shape, `pod-${i}`);
    rules.forgetShape(shape.id);
  }
  expect(rules.sizes().carriers).toBeLessThanOrEqual(65);
  expect(rules.sizes().counters).toBeLessThanOrEqual(1024);
});

test('unused label keys are not followed', () => {
  const { rules } = new Cluster({ nodeClassesMax: 4 }).node('n');
  for (let i = 0; i < 1000; i++) {
    rules.preFilter({ id: 0, template: emptyTemplate({ nodeSelector: { [`key-${i}`]: 'x' } }) });
    rules.forgetShape(0);
  }
  expect(rules.sizes().columns).toBeLessThanOrEqual(70);
});

test('nodes that come and go under new names: topology domains are used again', () => {
  const { rules } = new Cluster();
  const shape = { id: 0, template: emptyTemplate({ labels: { app: 'x' }, spread: [spread(HOST)] }) };
  rules.setNode(0, plainNode('stays'));
  rules.preFilter(shape);
  for (let i = 0; i < 20_000; i++) {
    rules.setNode(1, plainNode(`node-${i}`));
    rules.addPod(1, shape, 'pod');
    rules.preFilter(shape);
    expect([rules.check(0), rules.check(1) !== 0]).toEqual([0, true]);
    rules.removePod(1, shape, 'pod');
    rules.removeNode(1);
  }
  expect(rules.sizes()).toEqual({ counters: 1, nodeClasses: 0, carriers: 0, columns: 1 });
});

test('slots far apart', () => {
  const { rules } = new Cluster();
  const shape = { id: 3, template: emptyTemplate({ labels: { app: 'x' }, antiAffinity: [near(HOST, 'x')] }) };
  rules.setNode(2, plainNode('low'));
  rules.preFilter(shape);
  rules.setNode(9000, plainNode('high'));
  rules.addPod(9000, shape, 'pod');
  rules.preFilter(shape);
  expect([rules.check(2), rules.check(9000)]).toEqual([0, 15]);
});
