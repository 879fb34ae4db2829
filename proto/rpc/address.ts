/** HOST:PORT as people write it; IPv6 in brackets. */
import { InvalidArgumentError } from "../base/errors.js";

/** Throws InvalidArgumentError. */
export function hostAndPort(address: string): { host: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || !(port >= 1 && port <= 65_535)) {
    throw new InvalidArgumentError(`address "${address}": expected HOST:PORT, an IPv6 host in brackets`);
  }
  return { host, port };
}
