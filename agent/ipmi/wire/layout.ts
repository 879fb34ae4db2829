/**
 * Message layouts as data: one description encodes, decodes and gives the type. Bytes after the described end are ignored,
 * because later revisions and vendors append fields. Nothing here is for the path of every packet; that is written by hand.
 */
import { ByteReader, ByteWriter } from "./bytes.js";

export interface Layout<T> {
  read(input: ByteReader): T;
  write(output: ByteWriter, value: T): void;
}

/** The value type of a layout. */
export type Value<L> = L extends Layout<infer T> ? T : never;

/** Bytes of a value. */
export function encode<T>(layout: Layout<T>, value: T): Uint8Array {
  const output = new ByteWriter();
  layout.write(output, value);
  return output.finish();
}

/** The value in `bytes`; `subject` names them in errors. Throws MalformedPacketError, nothing else. */
export function decode<T>(layout: Layout<T>, bytes: Uint8Array, subject: string): T {
  return layout.read(new ByteReader(bytes, subject));
}

function unsigned(width: number): Layout<number> {
  return {
    read: (input) => input.number(width),
    write: (output, value) => output.number(width, value),
  };
}

export const u8 = unsigned(1);
export const u16 = unsigned(2);
export const u24 = unsigned(3);
export const u32 = unsigned(4);

/** Exactly `length` bytes, copied out of the packet. Shorter values are filled with zeros when written. */
export function bytes(length: number): Layout<Uint8Array> {
  return {
    read: (input) => input.take(length).slice(),
    write(output, value) {
      output.append(value.subarray(0, length));
      output.zeros(Math.max(0, length - value.length));
    },
  };
}

/** Everything up to the end, copied. */
export const rest: Layout<Uint8Array> = {
  read: (input) => input.rest().slice(),
  write: (output, value) => output.append(value),
};

/** Bytes with a length byte before them. */
export const counted: Layout<Uint8Array> = {
  read: (input) => input.take(input.number(1)).slice(),
  write(output, value) {
    output.number(1, value.length);
    output.append(value);
  },
};

/** Written as zeros, read and forgotten. In a struct its key starts with "_". */
export function reserved(length: number): Layout<undefined> {
  return {
    read: (input) => void input.take(length),
    write: (output) => output.zeros(length),
  };
}

/** A field of `length` bytes some devices leave out at the end, whole or in part. */
export function optional<T>(layout: Layout<T>, length = 1): Layout<T | undefined> {
  return {
    read: (input) => (input.remaining < length ? undefined : layout.read(input)),
    write(output, value) {
      if (value !== undefined) layout.write(output, value);
    },
  };
}

/** A request or reply without data. */
export const nothing: Layout<Record<never, never>> = { read: () => ({}), write: () => undefined };

type Fields = Readonly<Record<string, Layout<unknown>>>;
type Struct<F extends Fields> = {
  readonly [K in keyof F as K extends `_${string}` ? never : K]: Value<F[K]>;
};

/** Fields one after the other, in the order written. Keys that start with "_" are not part of the value. */
export function struct<const F extends Fields>(fields: F): Layout<Struct<F>> {
  const entries = Object.entries(fields);
  return {
    read(input) {
      const value: Record<string, unknown> = {};
      for (const [name, field] of entries) {
        const read = field.read(input);
        if (!name.startsWith("_")) value[name] = read;
      }
      return value as Struct<F>;
    },
    write(output, value) {
      for (const [name, field] of entries) field.write(output, (value as Record<string, unknown>)[name]);
    },
  };
}

/**
 * `head`, then `body` only when the head's status is 0. A refusal ends early, often with rubbish behind it, sometimes right
 * after the status (ipmi_sim): what is missing of its head reads as 0.
 */
export function unlessRefused<H extends { readonly status: number }, B>(
  head: Layout<H>,
  body: Layout<B>,
): Layout<H & { readonly body: B | undefined }> {
  return {
    read(input) {
      const [, status = 0] = input.peek();
      const read = head.read(status === 0 ? input : input.zeroExtended(refusalHeadBytes));
      return { ...read, body: status === 0 ? body.read(input) : undefined };
    },
    write(output, value) {
      head.write(output, value);
      if (value.body !== undefined) body.write(output, value.body);
    },
  };
}

/** Tag, status, two bytes, session id: the same in every answer of the handshake (IPMI v2.0 §13.17–13.24). */
const refusalHeadBytes = 8;

interface BitField<T> {
  readonly get: (byte: number) => T;
  readonly set: (value: T) => number;
}

export function bit(position: number): BitField<boolean> {
  return { get: (byte) => (byte & (1 << position)) !== 0, set: (value) => (value ? 1 << position : 0) };
}

/** Bits `high` down to `low` as a number. */
export function span(high: number, low: number): BitField<number> {
  const mask = (1 << (high - low + 1)) - 1;
  return { get: (byte) => (byte >> low) & mask, set: (value) => (value & mask) << low };
}

type BitFields = Readonly<Record<string, { get(byte: number): unknown; set(value: never): number }>>;
type Bits<F extends BitFields> = { readonly [K in keyof F]: F[K] extends BitField<infer T> ? T : never };

/** One byte of named bits; unnamed bits are written as 0 and ignored when read. */
export function bits<const F extends BitFields>(fields: F): Layout<Bits<F>> {
  const entries = Object.entries(fields);
  return {
    read(input) {
      const byte = input.number(1);
      return Object.fromEntries(entries.map(([name, field]) => [name, field.get(byte)])) as Bits<F>;
    },
    write(output, value) {
      const given = value as Readonly<Record<string, never>>;
      output.number(
        1,
        entries.reduce((byte, [name, field]) => byte | field.set(given[name] as never), 0),
      );
    },
  };
}
