/** What every codec must do: both ways over a table, and answer broken bytes with a value or MalformedPacketError, nothing else. */
import type { Test } from "tap";
import { MalformedPacketError } from "../../../agent/ipmi/wire/index.js";
import { fromHex, seededBytes, toHex } from "./bytes.js";

export interface CodecCase {
  readonly name: string;
  readonly hex: string;
  readonly object: unknown;
  readonly encode: (object: never) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}

/** One case, checked in full. */
export function checkCodec(t: Test, { name, hex, object, encode, decode }: CodecCase): void {
  const bytes = fromHex(hex);
  t.equal(toHex(encode(object as never)), toHex(bytes), `${name}: encodes`);
  t.same(plain(decode(bytes)), plain(object), `${name}: decodes`);
  for (let length = 0; length < bytes.length; length += 1) survives(t, name, decode, bytes.slice(0, length));
  const random = seededBytes(0x1ab0 + bytes.length);
  for (let round = 0; round < 200; round += 1) {
    survives(t, name, decode, random(round % 70));
    const flipped = bytes.slice();
    for (const at of random(3)) if (flipped.length > 0) flipped[at % flipped.length] = random(1)[0] ?? 0;
    survives(t, name, decode, flipped);
  }
}

function survives(t: Test, name: string, decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    decode(bytes);
  } catch (error) {
    if (!(error instanceof MalformedPacketError)) t.fail(`${name}: ${String(error)} on ${toHex(bytes)}`);
  }
}

/** Byte strings as hexadecimal, so that views, Buffers and arrays compare alike. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
