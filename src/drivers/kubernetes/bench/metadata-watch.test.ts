import { describe, expect, test } from 'vitest';
import { readMetadataLine } from './metadata-watch.ts';

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
});
