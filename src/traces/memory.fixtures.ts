/**
 * Reads long generated input of a format and prints how many items came out; run with a small heap by `memory.test.ts`.
 */

import { QuantileSketch } from '../kernel/quantile-sketch.ts';
import { openTrace } from './readers.ts';
import { SAMPLES } from './samples.fixtures.ts';
import type { TraceInput } from './source.ts';
import { summarizeTrace } from './summary.ts';

const HEADER = 'name,cpu_milli,memory_mib,num_gpu,gpu_milli\n';
const [format = '', itemsText = '0'] = process.argv.slice(2);
const items = Number(itemsText);

/** The i-th item of each format, and the text before and after all. */
const SHAPES: Readonly<Record<string, { head: string; item: (i: number) => string; tail: string }>> = {
  'openb-pods': {
    head: HEADER,
    item: (i) => `a-pod-with-a-long-name-${i},1000,2048,1,${(i % 1000) + 1}\n`,
    tail: '',
  },
  philly: {
    head: `${SAMPLES.philly.split('\n', 1)[0]}\n`,
    item: (i) => `${i},${i},,60,8,a-tenant-with-a-long-name-${i}\n`,
    tail: '',
  },
  swf: { head: '', item: (i) => `${i} ${i} 0 60 4 -1 -1 4 -1 -1 1 ${i % 99} 1 1 1 1 -1 -1\n`, tail: '' },
  'philly-log': {
    head: '[',
    item: (i) =>
      `${i ? ',' : ''}{"vc": "a", "jobid": "application_${i}", "attempts": [{"start_time": "2017-10-07 01:12:09", "end_time": "2017-10-07 01:13:23", "detail": [{"ip": "m47", "gpus": ["gpu0"]}]}], "submitted_time": "2017-10-07 01:11:39"}\n`,
    tail: ']',
  },
  'metacentrum-swf': {
    head: '',
    item: (i) =>
      `${i} ${i} 0 60 4 1 1024 4 86400 4294967296 1 7 1 1 -1 1 1 1 {1241,1241} q_1d 1:ppn=4:brno\n`,
    tail: '',
  },
  json: {
    head: '{"kind":"List","items":[',
    item: (i) => `${i ? ',' : ''}{"kind":"Pod","metadata":{"name":"p${i}"},"spec":{"containers":[]}}`,
    tail: ']}',
  },
  yaml: {
    head: 'items:\n',
    item: (i) => `- kind: Pod\n  metadata:\n    name: p${i}\n  spec:\n    containers: []\n`,
    tail: 'kind: List\n',
  },
};

async function* chunks(): AsyncGenerator<Uint8Array> {
  const shape = SHAPES[format];
  if (shape === undefined) throw new Error(`no shape ${format}`);
  yield Buffer.from(shape.head);
  let text = '';
  for (let i = 0; i < items; i++) {
    text += shape.item(i);
    if (text.length > 60_000) {
      yield Buffer.from(text);
      text = '';
    }
  }
  yield Buffer.from(text + shape.tail);
}

const input: TraceInput = { name: format, stream: chunks, access: () => Promise.reject(new Error('unused')) };
const summary = await summarizeTrace(await openTrace(input), [], { makeSketch: () => new QuantileSketch() });
process.stdout.write(String(summary.jobs?.jobs));
