/**
 * The fields of an API server's protobuf messages that matter, by number, and their form in JSON: for reading and for
 * writing.
 */

/** Wire type of integers and flags. */
export const WIRE_VARINT = 0;
/** Wire type of eight bytes. */
export const WIRE_FIXED64 = 1;
/** Wire type of length-delimited fields: texts and messages. */
export const WIRE_BYTES = 2;
/** Wire type of four bytes. */
export const WIRE_FIXED32 = 5;

/** The type of a field's value. */
type FieldType = 'text' | 'integer' | 'flag' | 'time' | 'microTime' | 'quantity' | 'bytes' | MessageSchema;

/** How often a field occurs: once, in a list, as values by name, as fields of the message around it, or names alone. */
type FieldShape = 'one' | 'list' | 'map' | 'inline' | 'names';

/** A field of a message. */
export interface FieldSchema {
  readonly number: number;
  readonly type: FieldType;
  readonly shape: FieldShape;
  /** Its value counts even if it is empty or zero. */
  readonly kept: boolean;
}

/** The fields of a message that are read. Never recursive. */
export interface MessageSchema {
  /** By number; undefined where a field is stepped over. */
  readonly fields: readonly (NamedField | undefined)[];
}

/** A field with derived values. */
export interface NamedField extends FieldSchema {
  readonly name: string;
  /** The required wire type. */
  readonly wire: number;
}

/** @returns A schema of the fields named, each made by one of the functions below. @throws Error if two have one number. */
export function message(fields: Readonly<Record<string, FieldSchema>>): MessageSchema {
  const byNumber: (NamedField | undefined)[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const other = byNumber[field.number];
    if (other !== undefined)
      throw new Error(`fields '${other.name}' and '${name}' both have the number ${field.number}`);
    const isVarint = field.shape === 'one' && (field.type === 'integer' || field.type === 'flag');
    byNumber[field.number] = { ...field, name, wire: isVarint ? WIRE_VARINT : WIRE_BYTES };
  }
  // Without holes: looking up an absent number must stay an array access.
  return { fields: Array.from(byNumber) };
}

const field = (number: number, type: FieldType, shape: FieldShape = 'one'): FieldSchema => ({
  number,
  type,
  shape,
  kept: false,
});

/** A text. */
export const text = (number: number): FieldSchema => field(number, 'text');
/** A list of texts. */
export const texts = (number: number): FieldSchema => field(number, 'text', 'list');
/** An integer of 32 or 64 bits with a sign; beyond 2^53 it is rounded, as by JSON.parse. */
export const integer = (number: number): FieldSchema => field(number, 'integer');
/** true or false. */
export const flag = (number: number): FieldSchema => field(number, 'flag');
/** A time, as JSON's text for it. */
export const time = (number: number): FieldSchema => field(number, 'time');
/** A time with microseconds, as JSON's text for it. */
export const microTime = (number: number): FieldSchema => field(number, 'microTime');
/** Texts by name (labels). */
export const strings = (number: number): FieldSchema => field(number, 'text', 'map');
/** Quantities by name, as JSON's texts for them. */
export const quantities = (number: number): FieldSchema => field(number, 'quantity', 'map');
/** A quantity, as JSON's text for it. */
export const quantity = (number: number): FieldSchema => field(number, 'quantity');
/** Bytes: a view of the input. */
export const bytes = (number: number): FieldSchema => field(number, 'bytes');
/** A message. */
export const one = (number: number, schema: MessageSchema): FieldSchema => field(number, schema);
/** A list of messages. */
export const many = (number: number, schema: MessageSchema): FieldSchema => field(number, schema, 'list');
/** A message whose fields JSON has in the message around it. */
export const inline = (number: number, schema: MessageSchema): FieldSchema => field(number, schema, 'inline');
/** A map of which only the names are read; each has an empty object. */
export const names = (number: number): FieldSchema => field(number, message({}), 'names');
/** A scalar that is a pointer in Go: there is a difference between zero and absent. */
export const kept = (schema: FieldSchema): FieldSchema => ({ ...schema, kept: true });
