import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineCutter, readMetadataLine } from './metadata-watch.ts';

/** A line as the API server of the pinned version writes it. */
function line(type: string, name: string, namespace = 'bench'): string {
  return `{"type":"${type}","object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"${name}","namespace":"${namespace}","uid":"5f1","resourceVersion":"12","labels":{"name":"other"},"managedFields":[{"manager":"teg"}]}}}`;
}

describe('lines', () => {
  test('say type, namespace and name', () => {
    expect(readMetadataLine(line('ADDED', 'pod-17'))).toEqual({
      type: 'ADDED',
      namespace: 'bench',
      name: 'pod-17',
    });
    const named = line('DELETED', 'pod-x').replace('"namespace"', '"generateName":"pod-","namespace"');
    expect(readMetadataLine(named)).toEqual({ type: 'DELETED', namespace: 'bench', name: 'pod-x' });
    const node = '{"type":"ADDED","object":{"kind":"P","metadata":{"name":"node-1","uid":"1"}}}';
    expect(readMetadataLine(node)).toEqual({ type: 'ADDED', namespace: '', name: 'node-1' });
  });

  test('of another form say nothing', () => {
    expect(readMetadataLine('{"type":"ERROR","object":{"kind":"Status","code":410}}')).toBeUndefined();
    expect(readMetadataLine('')).toBeUndefined();
  });

  test('are found however the bytes arrive', () => {
    const lines = Array.from({ length: 20 }, (_, i) => line('ADDED', `pod-${i}`));
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 40 }), (cuts) => {
        const seen: (string | undefined)[] = [];
        const cutter = new LineCutter((head) => seen.push(readMetadataLine(head)?.name));
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        for (let i = 1; i < places.length; i++) cutter.push(bytes.subarray(places[i - 1], places[i]));
        expect(seen).toEqual(lines.map((_, i) => `pod-${i}`));
      }),
    );
  });

  test('have an end', () => {
    const cutter = new LineCutter(() => {});
    const chunk = Buffer.alloc(4 * 2 ** 20, 'a');
    cutter.push(chunk);
    cutter.push(chunk);
    expect(() => cutter.push(Buffer.from('a'))).toThrow(/a line of more than 8388608 bytes/);
  });
});
