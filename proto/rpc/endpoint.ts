/** Where a controller keeps its state, and how the command line on the same host finds it. */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { NotFoundError } from "../base/errors.js";
import { writePrivateFile } from "../base/private-file.js";

export interface Endpoint {
  /** Host or address to dial, without brackets. */
  readonly address: string;
  readonly port: number;
  /** SHA-256 of the CA certificate's DER, lower-case hex. */
  readonly caSha256: string;
}

const endpointFile = "endpoint.json";

/** $LABD_STATE, else /var/lib/labd for root, else ~/.local/state/labd ($XDG_STATE_HOME respected). */
export function defaultStateDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env["LABD_STATE"] !== undefined && env["LABD_STATE"] !== "") return env["LABD_STATE"];
  if (process.getuid?.() === 0) return "/var/lib/labd";
  return join(env["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state"), "labd");
}

/** Directory of the operator's identity the controller makes for whoever can read its state. */
export function operatorDirectory(stateDirectory: string): string {
  return join(stateDirectory, "operator");
}

export async function writeEndpoint(stateDirectory: string, endpoint: Endpoint): Promise<void> {
  await writePrivateFile(join(stateDirectory, endpointFile), `${JSON.stringify(endpoint)}\n`);
}

/** Throws NotFoundError when no controller has listened from this directory yet. */
export async function readEndpoint(stateDirectory: string): Promise<Endpoint> {
  const path = join(stateDirectory, endpointFile);
  try {
    return JSON.parse(await readFile(path, "utf8")) as Endpoint;
  } catch (cause) {
    throw new NotFoundError(`${path}: no controller has been started there; start one with: lab up`, { cause });
  }
}

/** HOST:PORT to dial, IPv6 in brackets. */
export function endpointAddress({ address, port }: Endpoint): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
