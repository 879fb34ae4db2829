/** Where a Redfish service is, from its URL. Pure. */
import { isIPv4 } from "node:net";
import { InvalidArgumentError } from "../../../../proto/base/errors.js";

export interface Endpoint {
  /** For messages: "redfish https://10.0.1.10". */
  readonly label: string;
  readonly tls: boolean;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
}

/** Throws InvalidArgumentError for what is no URL of a service, and for plain http that would leave this machine. */
export function parseEndpoint(url: string): Endpoint {
  const parsed = parsedUrl(url);
  const label = `redfish ${url.replace(/\/+$/, "")}`;
  if (parsed === undefined || !["https:", "http:"].includes(parsed.protocol) || parsed.username !== "" || parsed.password !== "") {
    throw new InvalidArgumentError(
      "redfish: its URL must be https://HOST or https://HOST:PORT; correct power: redfish: url in the inventory",
    );
  }
  const tls = parsed.protocol === "https:";
  const host = parsed.hostname.replace(/^\[|\]$/g, "");
  if (!tls && !isLoopback(host)) {
    throw new InvalidArgumentError(`${label}: http would send the password in clear; use https (http only to this machine itself)`);
  }
  return { label, tls, host, port: parsed.port === "" ? (tls ? 443 : 80) : Number(parsed.port) };
}

function parsedUrl(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
