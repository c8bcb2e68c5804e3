/**
 * A checker of tables of FOCUS 1.2, written from the specification and not from the export.
 *
 * @source https://focus.finops.org/focus-specification/v1-2/: the content constraints of the columns, and the requirements of the
 * attributes for dates, numbers, currencies, key-values and nulls. Of conditional columns those are checked that the table has;
 * what a provider with sub-accounts, unit prices, virtual currency, resources and tags must have is in `REQUIRED`.
 */

type Type = 'decimal' | 'string' | 'date' | 'currency' | 'json';

interface ColumnRule {
  readonly type: Type;
  readonly nullable: boolean;
  readonly values?: readonly string[];
}

const rule = (type: Type, nullable: boolean, values?: readonly string[]): ColumnRule => ({
  type,
  nullable,
  ...(values === undefined ? {} : { values }),
});

/** Present in every data set. */
const MANDATORY: Readonly<Record<string, ColumnRule>> = {
  BilledCost: rule('decimal', false),
  BillingAccountId: rule('string', false),
  BillingAccountName: rule('string', true),
  BillingCurrency: rule('currency', false),
  BillingPeriodEnd: rule('date', false),
  BillingPeriodStart: rule('date', false),
  ChargeCategory: rule('string', false, ['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment']),
  ChargeClass: rule('string', true, ['Correction']),
  ChargeDescription: rule('string', true),
  ChargePeriodEnd: rule('date', false),
  ChargePeriodStart: rule('date', false),
  ContractedCost: rule('decimal', false),
  EffectiveCost: rule('decimal', false),
  InvoiceIssuerName: rule('string', false),
  ListCost: rule('decimal', false),
  PricingQuantity: rule('decimal', true),
  PricingUnit: rule('string', true),
  ProviderName: rule('string', false),
  PublisherName: rule('string', false),
  ServiceCategory: rule('string', false, [
    ...['AI and Machine Learning', 'Analytics', 'Business Applications', 'Compute', 'Databases'],
    ...['Developer Tools', 'Multicloud', 'Identity', 'Integration', 'Internet of Things'],
    ...['Management and Governance', 'Media', 'Migration', 'Mobile', 'Networking', 'Security', 'Storage'],
    ...['Web', 'Other'],
  ]),
  ServiceName: rule('string', false),
};

/** Recommended or conditional. */
const OTHERS: Readonly<Record<string, ColumnRule>> = {
  ChargeFrequency: rule('string', false, ['One-Time', 'Recurring', 'Usage-Based']),
  ServiceSubcategory: rule('string', false),
  ConsumedQuantity: rule('decimal', true),
  ConsumedUnit: rule('string', true),
  ContractedUnitPrice: rule('decimal', true),
  ListUnitPrice: rule('decimal', true),
  PricingCategory: rule('string', true, ['Standard', 'Dynamic', 'Committed', 'Other']),
  PricingCurrency: rule('string', false),
  PricingCurrencyContractedUnitPrice: rule('decimal', true),
  PricingCurrencyEffectiveCost: rule('decimal', false),
  PricingCurrencyListUnitPrice: rule('decimal', true),
  ResourceId: rule('string', true),
  ResourceName: rule('string', true),
  ResourceType: rule('string', true),
  SkuId: rule('string', true),
  SkuMeter: rule('string', true),
  SkuPriceDetails: rule('json', true),
  SkuPriceId: rule('string', true),
  SubAccountId: rule('string', true),
  SubAccountName: rule('string', true),
  Tags: rule('json', true),
};

/** Required of such a provider, beside what every data set has. */
const REQUIRED: readonly string[] = Object.keys(OTHERS).filter(
  (name) => !['ChargeFrequency', 'ServiceSubcategory'].includes(name),
);

/** Not null for usage that is not a correction. */
const OF_USAGE: readonly string[] = [
  ...[
    'ConsumedQuantity',
    'ConsumedUnit',
    'ContractedUnitPrice',
    'ListUnitPrice',
    'PricingCategory',
    'PricingQuantity',
  ],
  ...[
    'PricingUnit',
    'SkuId',
    'SkuPriceId',
    'PricingCurrencyContractedUnitPrice',
    'PricingCurrencyListUnitPrice',
  ],
];

const NUMBER = /^-?\d+(\.\d+)?(E-?\d+)?$/i;
const DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
/** Products of prices and quantities, as parts of the larger. */
const TOLERANCE = 1e-9;

type FocusRow = Readonly<Record<string, string>>;

/** @returns What is wrong with a table, in words; empty: it conforms. */
export function problemsOfFocus(columns: readonly string[], rows: readonly FocusRow[]): string[] {
  const problems: string[] = [];
  const needed = [...Object.keys(MANDATORY), ...REQUIRED];
  for (const name of needed) if (!columns.includes(name)) problems.push(`column ${name} is missing`);
  const firstCustom = columns.findIndex((name) => name.startsWith('x_'));
  for (const [at, name] of columns.entries()) {
    const isCustom = name.startsWith('x_');
    if (!isCustom && !(name in MANDATORY) && !(name in OTHERS)) problems.push(`column ${name} is unknown`);
    if (!isCustom && firstCustom >= 0 && at > firstCustom)
      problems.push(`column ${name} is behind custom ones`);
    if (!/^(x_)?([A-Z][a-z0-9]*)+$/.test(name) || name.length > 50)
      problems.push(`column ${name} is misnamed`);
  }
  for (const [at, row] of rows.entries())
    problems.push(...problemsOfRow(row).map((text) => `row ${at}: ${text}`));
  return problems;
}

function problemsOfRow(row: FocusRow): string[] {
  const problems: string[] = [];
  for (const [name, { type, nullable, values }] of Object.entries({ ...MANDATORY, ...OTHERS })) {
    const value = row[name];
    if (value === undefined) continue;
    if (value === '') {
      if (!nullable) problems.push(`${name} is null`);
      continue;
    }
    if (values !== undefined && !values.includes(value)) problems.push(`${name} is '${value}'`);
    if (type === 'decimal' && !NUMBER.test(value)) problems.push(`${name} is not a number: '${value}'`);
    if (type === 'date' && !(DATE.test(value) && !Number.isNaN(Date.parse(value))))
      problems.push(`${name} is not a date: '${value}'`);
    if (type === 'currency' && !/^[A-Z]{3}$/.test(value))
      problems.push(`${name} is not a code of ISO 4217: '${value}'`);
    if (type === 'json') problems.push(...problemsOfJson(name, value));
    if (type === 'string' && value.trim() !== value) problems.push(`${name} has spaces at its ends`);
  }
  return [...problems, ...problemsAcross(row)];
}

/** Key-values: one object, whose values are strings, numbers, booleans or null. */
function problemsOfJson(name: string, text: string): string[] {
  try {
    const value: unknown = JSON.parse(text);
    const isFlat =
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.values(value).every((each) => each === null || typeof each !== 'object');
    return isFlat ? [] : [`${name} is not an object of plain values`];
  } catch {
    return [`${name} is not JSON`];
  }
}

/** What the requirements say of several columns together. */
function problemsAcross(row: FocusRow): string[] {
  const problems: string[] = [];
  const number = (name: string): number => Number(row[name]);
  const time = (name: string): number => Date.parse(row[name] as string);
  if (row.ChargeCategory === 'Usage' && row.ChargeClass === '') {
    for (const name of OF_USAGE) if (row[name] === '') problems.push(`${name} is null for usage`);
  }
  for (const [product, price] of [
    ['ContractedCost', 'ContractedUnitPrice'],
    ['ListCost', 'ListUnitPrice'],
  ] as const) {
    const expected = number(price) * number('PricingQuantity');
    if (!(Math.abs(number(product) - expected) <= TOLERANCE * Math.max(1, expected)))
      problems.push(`${product} is not ${price} × PricingQuantity`);
  }
  if (!(time('ChargePeriodStart') < time('ChargePeriodEnd'))) problems.push('the charge period is empty');
  if (
    !(
      time('BillingPeriodStart') <= time('ChargePeriodStart') &&
      time('ChargePeriodStart') < time('BillingPeriodEnd')
    )
  )
    problems.push('the charge is outside of its billing period');
  if ((row.SubAccountId === '') !== (row.SubAccountName === '')) problems.push('half of a sub-account');
  if (row.ResourceId === '' && (row.ResourceName !== '' || row.ResourceType !== ''))
    problems.push('a name or type of no resource');
  if (row.ConsumedQuantity !== '' && row.ConsumedUnit === '') problems.push('a quantity without unit');
  return problems;
}
