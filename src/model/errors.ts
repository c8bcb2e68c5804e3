/**
 * The expected failures of TEG: one registry, one class.
 *
 * Invariant: an expected failure (bad input, bad option, missing file, a limit reached) is a `TegError` whose message
 * has the value received, what was expected and what to do. A broken internal invariant is a bug and is raised by
 * the kernel's `assert`, never by a `TegError`.
 */

/** Every error code, with the one-line meaning that the documentation prints. */
export const ERROR_CODES = {
  TEG_INPUT_NOT_FOUND: 'A file or folder that was named does not exist or cannot be read.',
  TEG_INPUT_UNKNOWN_FORMAT: 'The format of a file could not be recognised.',
  TEG_INPUT_TOO_LARGE: 'An input passes a configured limit.',
  TEG_TRACE_BAD_HEADER: 'A trace file lacks a column or has one twice.',
  TEG_TRACE_BAD_VALUE: 'A value in a trace file is not of the expected form or range.',
  TEG_TRACE_BAD_ROW: 'A row of a trace file is malformed as a whole.',
  TEG_TRACE_TOO_MANY_BAD: 'More bad rows than --skip-bad tolerates.',
  TEG_CLUSTER_INVALID: 'A cluster description breaks a bound.',
  TEG_JOB_INVALID: 'A job description breaks a bound.',
  TEG_OPTION_INVALID: 'A command-line option has an unusable value.',
  TEG_POLICY_UNKNOWN: 'No placement policy of that name.',
  TEG_POLICY_INVALID: "A user's policy file does not export the interface, or broke its promise.",
  TEG_REFERENCE_MISSING: 'Reference data that a comparison needs is not there.',
  TEG_LIMIT_REACHED: 'A bounded structure is full.',
  TEG_INPUT_CORRUPT: 'A compressed or binary input is damaged.',
  TEG_INTERRUPTED: 'The run was stopped by the user before it was complete.',
  TEG_OUTPUT_FAILED: 'A result could not be written.',
  TEG_RUNTIME_MISSING: 'No Node.js of version 24 or later was found to run on.',
  TEG_INSTALL_FAILED: 'The dependencies are not installed, or `npm ci` did not succeed.',
  TEG_LOG_INVALID:
    'An event log is malformed, of another version, or does not fit the zone it is replayed on.',
  TEG_HOLOGRAM_INVALID: 'The bytes of a hologram are malformed, or of another version.',
  TEG_KUBE_OBJECT: 'An object of the Kubernetes API is malformed, or has a value that is absurd.',
  TEG_CONFIG_INVALID: 'A configuration file has an unknown field, or a value that cannot be used.',
  TEG_LISTEN_FAILED: 'The HTTP server could not listen, or its certificate cannot be used.',
  TEG_CONTROL_PLANE_NOT_BUILT:
    'Binaries of the control plane are not built: Go is missing or too old, or the build failed.',
  TEG_CONTROL_PLANE_FAILED: 'A process of the control plane did not start, or ended on its own.',
  TEG_BENCH_FAILED: 'A benchmark could not be carried out to its end.',
  TEG_SERVER_FAILED: 'A server could not be reached, or refused the request.',
  TEG_POD_UNKNOWN: 'No pod of that name is known.',
  TEG_LEDGER_TRANSFER: 'A transfer of tokens is malformed, or comes from before the last one.',
  TEG_LEDGER_CORRUPT:
    "A ledger's log is damaged, was tampered with, or does not give what it says when it is recomputed.",
  TEG_STORE_FAILED: 'A durable store could not be opened, read or written.',
  TEG_STORE_LOCKED: 'A durable store is in use by another process.',
  TEG_STORE_FENCED:
    'A durable store refuses a writer whose fencing token is not the newest: another process leads.',
  TEG_LEDGER_OTHER: "A ledger's file has the log of another run, or of the same run with other inputs.",
  TEG_POWER_AUTHORITY: 'A power limit that caps cannot hold even at their floors.',
  TEG_KUBE_CONFIG: 'No Kubernetes cluster was found to talk to, or the kubeconfig cannot be used.',
  TEG_GUARD_GROUP: 'A control group that the guard was given is not there, or must not be acted on.',
  TEG_GUARD_UNSUPPORTED: 'The kernel, or its configuration, lacks what the guard needs.',
  TEG_GUARD_RUNNING: 'Another guard runs on the same state folder.',
  TEG_GUARD_NOT_RUNNING: 'No guard answers on the socket of the state folder.',
} as const;

/** A code of the registry. */
export type TegErrorCode = keyof typeof ERROR_CODES;

/** An expected failure, printed to the user without a stack trace and with a non-zero exit. */
export class TegError extends Error {
  readonly code: TegErrorCode;

  /**
   * @param code    Which failure; see `ERROR_CODES`.
   * @param message The value received, what was expected, and what to do.
   * @param options `cause`: the underlying error, if any.
   */
  constructor(code: TegErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'TegError';
    this.code = code;
  }
}
