/**
 * Field numbers and kinds of the schemas against those of Kubernetes 1.36, which are recorded here, so that a wrong
 * number is noticed even without the Go modules of Kubernetes. `test/kubernetes/protobuf.test.ts` compares with the
 * modules themselves.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { MessageSchema } from '../client/protobuf/message-schema.ts';
import * as schemas from './wire-schemas.ts';

/** `Message: field=number kind, …`; the kind is a scalar of ours or the name of a message. */
const RECORDED: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(
  readFileSync(new URL('./field-numbers.reference.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', fields = ''] = line.split(': ');
      return [name, new Map(fields.split(', ').map((field) => field.split('=') as [string, string]))];
    }),
);

/** Fields of older versions of Kubernetes, which 1.36 does not have. */
const PAST: ReadonlyMap<string, number> = new Map([['PodSpec.workloadRef', 42]]);

/** @returns Fields compared. */
function compare(schema: MessageSchema, message: string): number {
  const recorded = RECORDED.get(message);
  expect(recorded, message).toBeDefined();
  let compared = 0;
  for (const field of schema.fields) {
    if (field === undefined) continue;
    const path = `${message}.${field.name}`;
    const past = PAST.get(path);
    if (past !== undefined) {
      expect(field.number, path).toBe(past);
      continue;
    }
    const [number = '', kind = ''] = recorded?.get(field.name)?.split(' ') ?? [];
    expect(`${field.name}=${field.number}`, path).toBe(`${field.name}=${number}`);
    compared++;
    if (field.shape === 'names') continue;
    if (typeof field.type === 'object') compared += compare(field.type, kind);
    else expect(field.type, path).toBe(kind);
  }
  return compared;
}

test.each([
  ['Pod', schemas.POD, 100],
  ['Pod', schemas.ENDED_POD, 5],
  ['Node', schemas.NODE, 10],
  ['Namespace', schemas.NAMESPACE, 7],
  ['PersistentVolumeClaim', schemas.CLAIM, 20],
  ['PersistentVolume', schemas.VOLUME, 25],
  ['StorageClass', schemas.STORAGE_CLASS, 10],
  ['CSINode', schemas.CSI_NODE, 10],
  ['CSIDriver', schemas.CSI_DRIVER, 8],
  ['CSIStorageCapacity', schemas.STORAGE_CAPACITY, 12],
  ['VolumeAttachment', schemas.VOLUME_ATTACHMENT, 11],
  ['DeviceClass', schemas.DEVICE_CLASS, 8],
  ['PodDisruptionBudget', schemas.BUDGET, 12],
] as [string, MessageSchema, number][])('%#: numbers and kinds of %s', (message, schema, least) => {
  expect(compare(schema, message)).toBeGreaterThanOrEqual(least);
});
