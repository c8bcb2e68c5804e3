/**
 * Reads Kubernetes objects from YAML or JSON as `kubectl get nodes,pods -A -o yaml` prints them: lists, single
 * objects, several documents. Pods become jobs, nodes become nodes, everything else is counted and left out.
 */
import { parseDocument } from 'yaml';
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { findJobProblem, findNodeProblem } from '../../model/validate.ts';
import type { TraceBatch } from '../batch.ts';
import { BATCH_ROWS, type ReadContext } from '../context.ts';
import { readLines } from '../lines.ts';
import type { OpenedInput } from '../source.ts';
import { FieldReader, type Fields, isFields } from './fields.ts';
import { toNode } from './node.ts';
import { type PodSurroundings, podToJob, SYSTEM_PRIORITIES } from './pod.ts';
import { JsonSplitter } from './split-json.ts';
import { type ObjectText, YamlSplitter } from './split-yaml.ts';

/** Aliases that a YAML document may resolve to, all in all: more than people write, less than a bomb needs. */
const ALIASES_MAX = 100;

/** Lists within lists. */
const LIST_DEPTH_MAX = 4;

/** Most priority classes that are remembered. */
const CLASSES_MAX = 10_000;

/**
 * Reads a file.
 *
 * @returns Batches of jobs and of nodes, each in file order.
 * @throws TegError of the first bad object that is not tolerated; TEG_INPUT_TOO_LARGE.
 */
export async function* readKubernetes(input: OpenedInput, context: ReadContext): AsyncGenerator<TraceBatch> {
  const isJson = /^[{[]/.test(new TextDecoder().decode(input.head.subarray(0, 4_096)).trimStart());
  const objects = isJson ? jsonObjects(input, context) : yamlObjects(input, context);
  const parse = isJson ? parseJson : parseYaml;
  const collector = new Collector(context);
  for await (const batch of objects) {
    for (const object of batch) {
      collector.line = object.line;
      try {
        collector.add(parse(object, context), 0);
      } catch (error) {
        context.bad(error);
      }
    }
    yield* collector.full(BATCH_ROWS);
  }
  yield* collector.full(1);
  if (collector.isEmpty) context.warn('no Kubernetes objects');
}

async function* yamlObjects(input: OpenedInput, context: ReadContext): AsyncGenerator<ObjectText[]> {
  const splitter = new YamlSplitter(input.name, context.limits);
  for await (const lines of readLines(input.name, input.chunks, context.limits.lineCharsMax)) {
    for (const line of lines) {
      const objects = splitter.push(line);
      if (objects.length > 0) yield objects;
    }
  }
  yield splitter.end();
}

async function* jsonObjects(input: OpenedInput, context: ReadContext): AsyncGenerator<ObjectText[]> {
  const splitter = new JsonSplitter(input.name, context.limits);
  const decoder = new TextDecoder('utf-8');
  for await (const chunk of input.chunks) yield splitter.push(decoder.decode(chunk, { stream: true }));
  yield [...splitter.push(decoder.decode()), ...splitter.end()];
}

/** Turns parsed objects into jobs and nodes. */
class Collector {
  readonly context: ReadContext;
  /** Whether no object of any kind was met. */
  isEmpty = true;
  private readonly reader: FieldReader;
  private readonly priorityByClass = new Map<string, number>(SYSTEM_PRIORITIES);
  private readonly around: PodSurroundings = {
    priorityByClass: this.priorityByClass,
    originMs: Number.NaN,
  };
  private jobs: JobSpec[] = [];
  private nodes: NodeSpec[] = [];

  constructor(context: ReadContext) {
    this.context = context;
    this.reader = new FieldReader(context);
  }

  set line(line: number) {
    this.reader.line = line;
  }

  /** Takes one parsed value: an object or a list of them. */
  add(value: unknown, depth: number): void {
    if (!isFields(value)) throw this.reader.bad('', value, 'a Kubernetes object');
    this.isEmpty = false;
    const kind = this.reader.text(value, 'kind', '') || guessKind(value);
    if (kind === 'Pod') this.addPod(value);
    else if (kind === 'Node') this.addNode(value);
    else if (kind === 'PriorityClass') this.addClass(value);
    else if (kind.endsWith('List')) this.addList(value, depth);
    else if (kind === '') throw this.reader.bad('kind', '', 'Pod, Node or another kind');
    else this.context.warn(`objects other than pods and nodes are left out (${kind.slice(0, 60)})`);
  }

  /** @returns Batches with at least `rows` items; they are handed over. */
  *full(rows: number): Generator<TraceBatch> {
    if (this.jobs.length >= rows) {
      yield { kind: 'jobs', items: this.jobs };
      this.jobs = [];
    }
    if (this.nodes.length >= rows) {
      yield { kind: 'nodes', items: this.nodes };
      this.nodes = [];
    }
  }

  private addPod(pod: Fields): void {
    const job = podToJob(pod, this.around, this.reader);
    if (job === undefined) return;
    const problem = findJobProblem(job);
    if (problem !== undefined) throw this.context.problemError(this.reader.line, problem);
    this.jobs.push(job);
  }

  private addNode(object: Fields): void {
    const node = toNode(object, this.reader, this.context.keepsCordoned);
    if (node === undefined) return;
    const problem = findNodeProblem(node);
    if (problem !== undefined) throw this.context.problemError(this.reader.line, problem);
    this.nodes.push(node);
  }

  private addClass(object: Fields): void {
    const metadata = this.reader.fields(object, 'metadata', '');
    if (this.priorityByClass.size >= CLASSES_MAX) return;
    this.priorityByClass.set(
      this.reader.name(metadata, 'name', 'metadata'),
      this.reader.integer(object, 'value', '', 0),
    );
  }

  private addList(list: Fields, depth: number): void {
    if (depth >= LIST_DEPTH_MAX) throw this.reader.bad('items', list, 'no lists within lists');
    for (const item of this.reader.list(list, 'items', '')) this.add(item, depth + 1);
  }
}

/** Items of a PodList or NodeList of the API itself do not repeat their kind. */
function guessKind(value: Fields): string {
  if (Object.hasOwn(value, 'items')) return 'List';
  const { spec, status } = value;
  if (isFields(spec) && Object.hasOwn(spec, 'containers')) return 'Pod';
  return isFields(status) && Object.hasOwn(status, 'capacity') ? 'Node' : '';
}

function parseJson(object: ObjectText, context: ReadContext): unknown {
  try {
    return JSON.parse(object.text) as unknown;
  } catch (error) {
    throw context.error('TEG_TRACE_BAD_ROW', object.line, '', (error as Error).message, 'JSON');
  }
}

/** All scalars stay text: quantities are exact, and names such as `1e3` or `no` are names. */
function parseYaml(object: ObjectText, context: ReadContext): unknown {
  const { bracketsMax } = context.limits;
  if (bracketDepth(object.text) > bracketsMax) {
    const expected = `at most ${bracketsMax} open at once`;
    throw context.error('TEG_TRACE_BAD_ROW', object.line, '', 'deeply nested brackets', expected);
  }
  try {
    const document = parseDocument(object.text, {
      schema: 'failsafe',
      // The check of keys is quadratic, and kubectl takes the last of two keys as well.
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
    });
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown;
  } catch (error) {
    const line = object.line + lineWithin(object.text, error);
    const reason = (error as Error).message.split('\n')[0] ?? '';
    throw context.error('TEG_TRACE_BAD_ROW', line, '', `not YAML (${reason.slice(0, 200)})`, 'YAML');
  }
}

/** Most brackets that are open at once, those in texts included (they come in pairs as a rule). */
function bracketDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 91 || code === 123) deepest = Math.max(deepest, ++depth);
    else if ((code === 93 || code === 125) && depth > 0) depth--;
  }
  return deepest;
}

function lineWithin(text: string, error: unknown): number {
  const position = (error as { pos?: readonly number[] }).pos?.[0] ?? 0;
  let lines = 0;
  for (let i = 0; i < position; i++) if (text.charCodeAt(i) === 10) lines++;
  return lines;
}
