/**
 * The fields of the objects that are written for every pod, by their numbers in protobuf.
 *
 * A new field of a body must be added here, too: `test/kubernetes/protobuf.test.ts` has a real server read both
 * formats, and compares the numbers with the definitions of Kubernetes itself.
 *
 * @source k8s.io/api v0.36.3, `generated.proto` of core/v1 and events/v1.
 */
import {
  integer,
  type MessageSchema,
  message,
  microTime,
  one,
  text,
} from '../client/protobuf/message-schema.ts';

const OBJECT_META = message({ name: text(1), namespace: text(3), uid: text(5) });

const OBJECT_REFERENCE = message({
  kind: text(1),
  namespace: text(2),
  name: text(3),
  uid: text(4),
  apiVersion: text(5),
});

/** Binding of core/v1. */
export const BINDING: MessageSchema = message({
  metadata: one(1, OBJECT_META),
  target: one(2, OBJECT_REFERENCE),
});

/** Event of events.k8s.io/v1. */
export const EVENT: MessageSchema = message({
  metadata: one(1, OBJECT_META),
  eventTime: microTime(2),
  series: one(3, message({ count: integer(1), lastObservedTime: microTime(2) })),
  reportingController: text(4),
  reportingInstance: text(5),
  action: text(6),
  reason: text(7),
  regarding: one(8, OBJECT_REFERENCE),
  related: one(9, OBJECT_REFERENCE),
  note: text(10),
  type: text(11),
});
