/**
 * DeviceClasses of dynamic resource allocation: only which extended resource they stand for.
 */
import { maybeRecord, maybeText, projecting, recordOf, textOf } from '../../../model/readers/read-object.ts';

/** The described fields of a DeviceClass. */
export interface DeviceClassDescription {
  readonly name: string;
  /** The extended resource that it stands for; '' if there is none. */
  readonly resource: string;
}

/**
 * Describes a DeviceClass.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of the malformed field.
 */
export function deviceClassOf(object: unknown): DeviceClassDescription {
  return projecting('DeviceClass', object, (deviceClass) => ({
    name: textOf(recordOf(deviceClass.metadata, 'metadata').name, 'metadata.name'),
    resource: maybeText(
      maybeRecord(deviceClass.spec, 'spec').extendedResourceName,
      'spec.extendedResourceName',
    ),
  }));
}
