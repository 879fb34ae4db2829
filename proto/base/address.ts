/** HOST:PORT as people write it; IPv6 in brackets. */
import { InvalidArgumentError } from "./errors.js";

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Port 0 is allowed: to listen on, not to dial. Throws InvalidArgumentError. */
export function hostAndPort(address: string): HostAndPort {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || !(port <= 65_535)) {
    throw new InvalidArgumentError(`address "${address}": expected HOST:PORT, an IPv6 host in brackets`);
  }
  return { host, port };
}

export function formatAddress({ host, port }: HostAndPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
