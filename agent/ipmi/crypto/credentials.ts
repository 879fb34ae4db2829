/** User name, password and K_g as the protocol wants them. */
import { InvalidArgumentError } from "../../../proto/base/errors.js";

const maximumNameBytes = 16;
const keyBytes = 20;
/** The longest password of IPMI v1.5. */
const cutPasswordBytes = 16;

/** UTF-8 of a user name, at most 16 bytes. Throws InvalidArgumentError. */
export function encodeUserName(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length <= maximumNameBytes) return bytes;
  throw new InvalidArgumentError(`BMC user name of ${bytes.length} bytes: IPMI v2.0 has room for ${maximumNameBytes}`);
}

/** K_uid: a password's UTF-8, filled with zeros to 20 bytes. Throws InvalidArgumentError. */
export function passwordKey(password: string): Uint8Array {
  return padded("BMC password", new TextEncoder().encode(password));
}

/** A user name as some BMCs compute with it: filled with zeros to 16 bytes, its length 16. */
export function padUserName(name: Uint8Array): Uint8Array {
  const padded = new Uint8Array(maximumNameBytes);
  padded.set(name);
  return padded;
}

/** K_uid of a password's first 16 bytes: what some BMCs keep of it. */
export function cutPasswordKey(userKey: Uint8Array): Uint8Array {
  const cut = new Uint8Array(keyBytes);
  cut.set(userKey.subarray(0, cutPasswordBytes));
  return cut;
}

/** K_g: text, or "0x" and hex digits because it may contain any byte; undefined and "" mean there is none. Throws InvalidArgumentError. */
export function bmcKey(kg: string | undefined): Uint8Array | undefined {
  if (kg === undefined || kg === "") return undefined;
  if (!kg.startsWith("0x")) return padded("K_g", new TextEncoder().encode(kg));
  if (!/^0x([0-9a-f]{2})+$/i.test(kg)) throw new InvalidArgumentError("K_g: after 0x, pairs of hexadecimal digits are expected");
  return padded(
    "K_g",
    Uint8Array.from(kg.slice(2).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
  );
}

function padded(what: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length > keyBytes) throw new InvalidArgumentError(`${what} of ${bytes.length} bytes: IPMI v2.0 has room for ${keyBytes}`);
  const key = new Uint8Array(keyBytes);
  key.set(bytes);
  bytes.fill(0);
  return key;
}
