/**
 * Values of a YAML document in the types of the API's JSON.
 *
 * The parser leaves every scalar as text, so that names such as `1e3` and `no` stay names and quantities stay exact.
 * Numbers and flags are converted where the API has them, by the name of the field; a text that is not one stays, for
 * the reader to refuse.
 */

/** Fields with an integer, of the objects and the depth that are read. */
const INTEGER_FIELDS: ReadonlySet<string> = new Set([
  'activeDeadlineSeconds',
  'completions',
  'containerPort',
  'hostPort',
  'maxSkew',
  'minAvailable',
  'minCount',
  'minDomains',
  'minMember',
  'parallelism',
  'priority',
  'replicas',
  'start',
  'succeeded',
  'terminationGracePeriodSeconds',
  'tolerationSeconds',
  'weight',
]);

const FLAG_FIELDS: ReadonlySet<string> = new Set([
  'controller',
  'globalDefault',
  'hostNetwork',
  'hostUsers',
  'readOnly',
  'suspend',
  'unschedulable',
]);

/** Maps of texts by names of the user's choice. */
const TEXT_MAPS: ReadonlySet<string> = new Set(['annotations', 'labels', 'matchLabels', 'nodeSelector']);

/** Maps of quantities by names of resources. */
const QUANTITY_MAPS: ReadonlySet<string> = new Set([
  'allocatable',
  'allocatedResources',
  'capacity',
  'limits',
  'overhead',
  'requests',
]);

const INTEGER = /^[+-]?\d{1,15}$/;

/**
 * @param value The parser's output: texts, lists and mappings. Mappings and lists are changed in place.
 * @returns     The value as JSON.
 */
export function asJson(value: unknown): unknown {
  return converted(value, '');
}

function converted(value: unknown, field: string): unknown {
  if (typeof value === 'string') return scalar(value, field);
  if (Array.isArray(value)) {
    // Elements of `values`, `args` and similar lists are texts, whatever they look like.
    value.forEach((item, i) => {
      if (typeof item === 'object') value[i] = converted(item, field);
    });
    return value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const record = value as Record<string, unknown>;
  const isTexts = TEXT_MAPS.has(field);
  const isVerbatim = isTexts || QUANTITY_MAPS.has(field);
  for (const key of Object.keys(record)) {
    const inner = record[key];
    if (!isVerbatim) record[key] = converted(inner, key);
    else if (isTexts && (inner === null || inner === undefined)) record[key] = '';
    else if (typeof inner === 'object') record[key] = converted(inner, key);
  }
  return record;
}

function scalar(text: string, field: string): unknown {
  if (text === '' || text === 'null' || text === '~') return null;
  if (INTEGER_FIELDS.has(field) && INTEGER.test(text)) return Number(text);
  if (FLAG_FIELDS.has(field) && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
