/**
 * A policy from the command line: a name of the registry, or the path of the user's own file.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type {
  PlacementPolicy,
  PolicyContext,
  PolicyEntry,
  PolicyFactory,
} from '../../governor/policy/policy.ts';
import { TegError } from '../../model/errors.ts';
import { policyByName } from '../../simulation/inputs/policies.ts';
import { GuardedPolicy, policyThrew } from './guarded-policy.ts';

/** Exports of a policy file, as in `examples/my-policy.ts`. */
interface PolicyModule {
  readonly createPolicy?: unknown;
  readonly description?: unknown;
}

/**
 * Finds a policy.
 *
 * @param nameOrPath A name that `teg policies` lists, or the path of a file (with a slash, or ending in .ts, .js or
 *                   .mjs) that exports `createPolicy: PolicyFactory` and optionally `description: string`.
 * @returns The entry; its name is `nameOrPath`, so that the same text finds it again in a worker.
 * @throws TegError TEG_POLICY_UNKNOWN; TEG_INPUT_NOT_FOUND; TEG_POLICY_INVALID if the file cannot be loaded or
 *         does not export the interface.
 */
export async function loadPolicy(nameOrPath: string): Promise<PolicyEntry> {
  if (!isPath(nameOrPath)) return policyByName(nameOrPath);
  const path = resolve(nameOrPath);
  if (!existsSync(path)) {
    throw new TegError(
      'TEG_INPUT_NOT_FOUND',
      `got the policy file '${nameOrPath}', which is not there; expected an existing file: check its path`,
    );
  }
  const { createPolicy, description } = await importModule(path, nameOrPath);
  if (typeof createPolicy !== 'function') {
    throw invalid(nameOrPath, `exports createPolicy as ${typeof createPolicy}`, 'a function (PolicyFactory)');
  }
  if (description !== undefined && typeof description !== 'string') {
    throw invalid(nameOrPath, `exports description as ${typeof description}`, 'a string or nothing');
  }
  return {
    name: nameOrPath,
    description: description ?? `From ${nameOrPath}.`,
    create: (context) => checkedPolicy(createPolicy as PolicyFactory, context, nameOrPath),
  };
}

function isPath(nameOrPath: string): boolean {
  return /[/\\]/.test(nameOrPath) || /\.(ts|mts|js|mjs)$/.test(nameOrPath);
}

async function importModule(path: string, shown: string): Promise<PolicyModule> {
  try {
    return (await import(pathToFileURL(path).href)) as PolicyModule;
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new TegError(
      'TEG_POLICY_INVALID',
      `the policy file '${shown}' could not be loaded (${message}); expected a module that runs as it is`,
      { cause: error },
    );
  }
}

/** Makes the policy, checks that it has the methods that a zone calls, and watches it from then on. */
function checkedPolicy(create: PolicyFactory, context: PolicyContext, shown: string): PlacementPolicy {
  let policy: unknown;
  try {
    policy = create(context);
  } catch (error) {
    throw policyThrew(shown, 'createPolicy()', error);
  }
  if (typeof policy !== 'object' || policy === null) {
    throw invalid(shown, `createPolicy returned ${policy === null ? 'null' : typeof policy}`, 'an object');
  }
  const types = { name: 'string', gpuMask: 'number', nodesExamined: 'number', choose: 'function' } as const;
  for (const [property, type] of Object.entries(types)) {
    const got = typeof (policy as Record<string, unknown>)[property];
    if (got !== type) throw invalid(shown, `its policy has ${property}: ${got}`, type);
  }
  for (const method of ['demandSeen', 'nodeChanged', 'explain'] as const) {
    const got = typeof (policy as Record<string, unknown>)[method];
    if (got !== 'function' && got !== 'undefined') {
      throw invalid(shown, `its policy has ${method}: ${got}`, 'a function or nothing');
    }
  }
  return new GuardedPolicy(policy as PlacementPolicy, context.cluster, shown);
}

function invalid(shown: string, got: string, expected: string): TegError {
  return new TegError('TEG_POLICY_INVALID', `policy file '${shown}': ${got}, expected ${expected}`);
}
