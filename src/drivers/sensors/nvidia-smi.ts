/**
 * Readings of `nvidia-smi -q`: power, caps and temperatures of each GPU, from its text.
 *
 * Indentation makes the sections: a GPU has power readings of its own and, on modules with a CPU, of the module.
 * From Hopper on limits of temperature are margins (`T.Limit`): how many kelvins are left.
 */
import { spawnSync } from 'node:child_process';
import { SensorCollector, type SensorQuantity, type SensorSet } from './sensor-reading.ts';

/** Milliseconds for the command. */
const TIMEOUT_MS = 10_000;
/** Most bytes of its output. */
const OUTPUT_BYTES = 16 * 2 ** 20;

/** Lines by section and name; the first that a GPU has counts. */
const FIELDS: readonly (readonly [section: RegExp, name: RegExp, quantity: SensorQuantity])[] = [
  [/^(GPU )?Power Readings$/, /^(Average Power Draw|Power Draw)$/, 'watts'],
  [/^(GPU )?Power Readings$/, /^(Current Power Limit|Power Limit)$/, 'cap'],
  [/^(GPU )?Power Readings$/, /^Min Power Limit$/, 'cap-min'],
  [/^(GPU )?Power Readings$/, /^Max Power Limit$/, 'cap-max'],
  [/^Temperature$/, /^GPU Current Temp$/, 'celsius'],
];
/** What every GPU should give. */
const WANTED: readonly SensorQuantity[] = ['watts', 'cap', 'cap-min', 'cap-max', 'celsius'];
const MEMORY_TEMPERATURE = /^Memory Current Temp$/;
const MARGIN = /^GPU T\.Limit Temp$/;
const LIMIT = /^GPU (Slowdown|Max Operating) Temp$/;

/** Runs the command and reads its text. @param command Its path. */
export function queryNvidiaSmi(command = 'nvidia-smi'): SensorSet {
  const found = new SensorCollector('nvidia-smi');
  const run = spawnSync(command, ['-q'], { encoding: 'utf8', timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES });
  if (run.error !== undefined) {
    const code = (run.error as NodeJS.ErrnoException).code ?? run.error.message;
    found.miss(command, code === 'ENOENT' ? 'not installed' : `did not answer (${code})`);
    return found;
  }
  if (run.status !== 0) {
    const line = `${run.stdout}${run.stderr}`.trim().split('\n')[0] ?? '';
    found.miss(command, `ended with ${run.status ?? run.signal}: ${line.slice(0, 200)}`);
    return found;
  }
  return parseNvidiaSmi(run.stdout);
}

/** Reads the text of `nvidia-smi -q`. */
export function parseNvidiaSmi(text: string): SensorSet {
  const found = new SensorCollector('nvidia-smi');
  let gpu: GpuText | undefined;
  for (const line of text.split('\n')) {
    const start = /^GPU ([0-9A-Fa-f]+:[0-9A-Fa-f]+:[0-9A-Fa-f]+\.\d+)\s*$/.exec(line);
    if (start !== null) {
      gpu?.finish(found);
      gpu = new GpuText(`GPU ${start[1]}`);
    } else gpu?.line(line);
  }
  if (gpu === undefined) found.miss('nvidia-smi -q', 'its text names no GPU');
  gpu?.finish(found);
  return found;
}

interface OpenSection {
  readonly indent: number;
  readonly name: string;
}

/** The text of one GPU. */
class GpuText {
  private readonly name: string;
  private readonly sections: OpenSection[] = [];
  private readonly values = new Map<SensorQuantity, string>();
  private memory: string | undefined;
  private margin: string | undefined;
  private limit: string | undefined;

  constructor(name: string) {
    this.name = name;
  }

  line(text: string): void {
    const content = text.trim();
    if (content === '') return;
    const indent = text.length - text.trimStart().length;
    while (
      this.sections.length > 0 &&
      (this.sections[this.sections.length - 1] as OpenSection).indent >= indent
    ) {
      this.sections.pop();
    }
    const colon = content.indexOf(' : ');
    if (colon < 0) {
      this.sections.push({ indent, name: content });
      return;
    }
    this.field(
      this.sections.at(-1)?.name ?? '',
      content.slice(0, colon).trim(),
      content.slice(colon + 3).trim(),
    );
  }

  private field(section: string, name: string, value: string): void {
    for (const [inSection, named, quantity] of FIELDS) {
      if (inSection.test(section) && named.test(name) && !this.values.has(quantity))
        this.values.set(quantity, value);
    }
    if (section !== 'Temperature') return;
    if (MEMORY_TEMPERATURE.test(name)) this.memory = value;
    if (MARGIN.test(name)) this.margin = value;
    if (LIMIT.test(name) && numberOf(value) !== undefined) this.limit = value;
  }

  finish(found: SensorCollector): void {
    for (const quantity of WANTED) this.give(found, this.name, quantity, this.values.get(quantity));
    if (this.memory !== undefined) this.give(found, `${this.name} memory`, 'celsius', this.memory);
    const now = numberOf(this.values.get('celsius') ?? '');
    const margin = numberOf(this.margin ?? '');
    const limit = now !== undefined && margin !== undefined ? now + margin : numberOf(this.limit ?? '');
    if (limit === undefined) found.miss(this.name, 'celsius-limit: neither a limit nor a margin');
    else found.add(this.name, 'celsius-limit', limit);
  }

  private give(
    found: SensorCollector,
    name: string,
    quantity: SensorQuantity,
    text: string | undefined,
  ): void {
    const value = numberOf(text ?? '');
    if (value === undefined)
      found.miss(name, `${quantity}: ${text === undefined ? 'no such line' : `got '${text}'`}`);
    else found.add(name, quantity, value);
  }
}

/** The number of `123.45 W` or `34 C`; undefined for `N/A` and other text. */
function numberOf(text: string): number | undefined {
  const match = /^(-?\d+(?:\.\d+)?) (?:W|C)$/.exec(text);
  return match === null ? undefined : Number(match[1]);
}
