/** Why a pod's claims could not be bound: a code for programs, and its text for people. */

/**
 * `gone`: the named object no longer exists. `unreadable`, `unwritable`: the server did not answer as it should.
 * `other-node`: the claim is being provisioned for another node. `not-provisioned`: the provisioner gave up on the
 * node. `taken`: the volume belongs to another claim. `released`: its reservation was withdrawn. `deleting`: the claim
 * or volume is being deleted. `wrong-node`: the volume cannot be used on the node. `timeout`: not bound in time.
 * `stopped`: the scheduler ends. `busy`: too many pods wait already.
 */
export type ClaimFailureCode =
  | 'gone'
  | 'unreadable'
  | 'unwritable'
  | 'other-node'
  | 'not-provisioned'
  | 'taken'
  | 'released'
  | 'deleting'
  | 'wrong-node'
  | 'timeout'
  | 'stopped'
  | 'busy';

/** A failure. JSON. */
export interface ClaimFailure {
  readonly code: ClaimFailureCode;
  /** The object: `claim ns/name`, `volume name`, `node name`, `the pod`; '' for all claims. */
  readonly object: string;
  /** The claim, `namespace/name`; '' if not a single one. */
  readonly claim: string;
  /** Detail for the text: a node, a number of seconds or pods, or the server's message. */
  readonly detail: string;
}

/** @returns The failure in words, without a full stop. */
export function claimFailureText({ code, object, claim, detail }: ClaimFailure): string {
  switch (code) {
    case 'gone':
      return `${object} no longer exists`;
    case 'unreadable':
      return `${object} could not be read: ${detail}`;
    case 'unwritable':
      return `${object} could not be written: ${detail}`;
    case 'other-node':
      return `${object} is already to be provisioned for node ${detail}`;
    case 'not-provisioned':
      return `no volume could be provisioned for ${object}`;
    case 'taken':
      return `${object} was taken by another claim`;
    case 'released':
      return `the reservation of ${object} for claim ${claim} was taken back`;
    case 'deleting':
      return `${object} is being deleted`;
    case 'wrong-node':
      return `${object} of claim ${claim} cannot be used on node ${detail}`;
    case 'timeout':
      return `claims were not bound within ${detail} s`;
    case 'stopped':
      return 'the scheduler stopped';
    case 'busy':
      return `${detail} pods wait for their claims already`;
  }
}
