/** `teg trace`: inspects and converts workload files, and generates clusters and workloads. */

import { type Command, Option } from 'commander';
import { TegError } from '../../model/errors.ts';
import { GPUS_PER_NODE_MAX } from '../../model/node.ts';
import {
  ASSUMPTION_BOUNDS,
  isAssumption,
  isTraceFormat,
  TRACE_FORMATS,
  type TraceFormat,
} from '../../traces/format.ts';
import { MAP_HELP, parseColumnMap } from '../terminal/column-map.ts';
import { collectResource, IGNORE_RESOURCE_HELP } from '../terminal/ignored-resources.ts';
import {
  decimalNumber,
  NODES_MAX,
  parseFraction,
  parseNonNegativeInt,
  parsePositiveDuration,
  parsePositiveInt,
  parseSeed,
  parseSourceFile,
  wholeNumber,
} from '../terminal/option-values.ts';
import type {
  GenerateJobsOptions,
  GenerateNodesOptions,
  TraceConvertOptions,
  TraceReadingOptions,
} from '../trace/trace-options.ts';

const FORMATS_HELP = `
Formats (recognised from the content; --format overrides):
${Object.entries(TRACE_FORMATS)
  .map(([name, { description }]) => `  ${name.padEnd(22)}${description}`)
  .join('\n')}

Files may be gzip, Zstandard or zip, and tables separated by commas, semicolons or tabs. \`-\` is standard input.
docs/traces.md says how each format is read and which assumptions are made.`;

/** Adds `teg trace`. */
export function addTraceCommand(program: Command): void {
  const trace = program
    .command('trace')
    .description('look at workload files, convert them, generate workloads and clusters');
  addInspect(trace);
  addConvert(trace);
  const generate = trace.command('generate').description('generate a cluster or a workload, by seed');
  addGenerateNodes(generate);
  addGenerateJobs(generate);
}

function addInspect(trace: Command): void {
  withReadingOptions(trace.command('inspect <file>'))
    .description('print the contents of a trace: count, span, percentiles, resource mix, tenants, warnings')
    .addHelpText('after', FORMATS_HELP)
    .action(async (file: string, options: TraceReadingOptions) => {
      const { inspectTrace } = await import('../trace/trace-inspect.ts');
      await inspectTrace(file, options);
    });
}

function addConvert(trace: Command): void {
  withReadingOptions(trace.command('convert <from> <to>'))
    .description('convert a trace to the normal form: .parquet, .csv or .csv.gz by the name of <to>')
    .addOption(
      new Option('--kind <kind>', 'which of the two to read from a file that describes both')
        .choices(['jobs', 'nodes', 'usage'])
        .default(undefined, 'jobs, of a file of Kubernetes objects'),
    )
    .addHelpText('after', FORMATS_HELP)
    .action(async (from: string, to: string, options: TraceConvertOptions) => {
      const { convertTrace } = await import('../trace/trace-convert.ts');
      await convertTrace(from, to, options);
    });
}

function withReadingOptions(command: Command): Command {
  return command
    .option('--format <name>', 'the format, where it is not to be recognised', parseFormat)
    .option('--skip-bad <n>', 'leave out up to n bad rows instead of stopping', parseNonNegativeInt, 0)
    .option(
      '--assume <name=value>',
      'change an assumption of docs/traces.md, for example phillyCpuMilliPerGpu=0; repeatable',
      parseAssumption,
      {},
    )
    .option('--ignore-resource <name>', IGNORE_RESOURCE_HELP, collectResource)
    .option('--map <column=name>', MAP_HELP, parseColumnMap)
    .option('--json', 'print JSON');
}

function addGenerateNodes(generate: Command): void {
  withCluster(generate.command('nodes <to>'))
    .description('generate a cluster: .parquet, .csv or .csv.gz')
    .option('--json', 'print JSON')
    .action(async (to: string, options: GenerateNodesOptions) => {
      const { generateNodesFile } = await import('../trace/trace-generate.ts');
      await generateNodesFile(to, options);
    });
}

function addGenerateJobs(generate: Command): void {
  withCluster(generate.command('jobs <to>'))
    .description('generate a workload for a cluster: .parquet, .csv or .csv.gz')
    .option(
      '--cluster <file>',
      'node list that the load is relative to, instead of generated nodes',
      parseSourceFile,
    )
    .option('--jobs <n>', 'the jobs: how many to generate', parsePositiveInt, 100_000)
    .option(
      '--load <factor>',
      'offered load on the scarcest resource; 1 is all of it',
      decimalNumber(0, 1_000, true),
      0.9,
    )
    .option('--seed <n>', 'seed of the random numbers', parseSeed, 42)
    .option('--tenant-count <n>', 'tenants', wholeNumber(1, 1_000_000), 50)
    .option('--burst <x>', "rate of a tenant's bursts over its mean; 1: none", decimalNumber(1, 1_000), 3)
    .option('--diurnal <x>', 'how much the rate varies over the day, from 0 to 1', parseFraction, 0.5)
    .option('--model-share <x>', 'share of GPU jobs that name a GPU model', parseFraction, 0.1)
    .option('--median <duration>', 'median duration', parsePositiveDuration, 500)
    .option('--longest <duration>', 'longest duration', parsePositiveDuration, 2_592_000)
    .option('--json', 'print JSON')
    .action(async (to: string, options: GenerateJobsOptions, self: Command) => {
      const { generateJobsFile } = await import('../trace/trace-generate.ts');
      await generateJobsFile(to, options, self.getOptionValueSource('modelShare') === 'cli');
    });
}

function withCluster(command: Command): Command {
  return command
    .option('--nodes <n>', 'the nodes: how many to generate', wholeNumber(1, NODES_MAX), 1_000)
    .addOption(
      new Option('--mix <mix>', 'machines in the manner of openb, or all alike')
        .choices(['openb', 'homogeneous'])
        .default('openb'),
    )
    .option('--model <name>', 'GPU model of machines that are all alike', 'H100')
    .option('--gpus <n>', 'GPUs of machines that are all alike', wholeNumber(0, GPUS_PER_NODE_MAX), 8)
    .option('--cores <n>', 'cores of machines that are all alike', wholeNumber(1, 2_000_000), 128)
    .option('--memory-gib <x>', 'memory of machines that are all alike', decimalNumber(0, 2_000_000), 1_024);
}

function parseFormat(text: string): TraceFormat {
  if (isTraceFormat(text)) return text;
  const names = Object.keys(TRACE_FORMATS).join(', ');
  throw new TegError('TEG_OPTION_INVALID', `got '${text}', expected one of ${names}`);
}

function parseAssumption(text: string, before: Record<string, number>): Record<string, number> {
  const at = text.indexOf('=');
  const name = text.slice(0, Math.max(0, at)).trim();
  if (!isAssumption(name)) {
    const names = Object.keys(ASSUMPTION_BOUNDS).join(', ');
    throw new TegError('TEG_OPTION_INVALID', `got '${text}', expected NAME=VALUE with NAME one of ${names}`);
  }
  const [min, max] = ASSUMPTION_BOUNDS[name];
  return { ...before, [name]: decimalNumber(min, max)(text.slice(at + 1)) };
}
