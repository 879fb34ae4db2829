/** Whose keys open the other machine, and which host keys are expected: files of the machine that connects. */
import { readFile } from "node:fs/promises";
import ssh2, { type ParsedKey } from "ssh2";
import { AuthenticationError, describeError } from "../../../proto/base/errors.js";
import type { Expectation } from "./host-key.js";
import { knownKeys, publicKey } from "./known-hosts.js";

/** Files of the connecting machine. */
export interface OwnFiles {
  /** This process's path for an absolute path of the machine. */
  resolve(path: string): Promise<string>;
  /** Home directory, as the machine names it: "/root". */
  readonly home: string;
}

export interface Target {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** "" = the first of the usual ones. */
  readonly identity: string;
  /** "" = known_hosts. */
  readonly hostKey: string;
}

const usualNames = ["id_ed25519", "id_ecdsa", "id_rsa"];

/** Keys to try, in order. Throws AuthenticationError that names every file looked at. */
export async function identities(target: Target, files: OwnFiles, label: string): Promise<readonly ParsedKey[]> {
  const paths = target.identity === "" ? usualNames.map((name) => `${files.home}/.ssh/${name}`) : [target.identity];
  const keys: ParsedKey[] = [];
  const problems: string[] = [];
  for (const path of paths) {
    try {
      keys.push(await readKey(await files.resolve(path)));
    } catch (error) {
      problems.push(`${path}: ${isAbsent(error) ? "there is no such file" : describeError(error)}`);
    }
  }
  if (keys.length > 0) return keys;
  throw new AuthenticationError(
    `${label}: no private key to log in with (${problems.join("; ")}); make one on the connecting machine (ssh-keygen -t ed25519) and add its public half to ~${target.user}/.ssh/authorized_keys there, or name one: ssh: { identity: … }`,
  );
}

/** What is to be expected of the host. A known_hosts file that is not there expects nothing. */
export async function expectedHostKeys(target: Target, files: OwnFiles): Promise<Expectation> {
  if (target.hostKey !== "") {
    const key = publicKey(target.hostKey);
    return { keys: key === undefined ? [] : [key], revoked: [], source: "the inventory's host_key" };
  }
  const source = `${files.home}/.ssh/known_hosts`;
  const text = await readFile(await files.resolve(source), "utf8").catch((error: unknown) => {
    if (isAbsent(error)) return "";
    throw new AuthenticationError(`${source}: cannot be read, so no host key can be checked: ${describeError(error)}`, { cause: error });
  });
  return { ...knownKeys(text, target.address, target.port), source };
}

async function readKey(path: string): Promise<ParsedKey> {
  const parsed = ssh2.utils.parseKey(await readFile(path));
  const key: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key instanceof Error) {
    const locked = /passphrase|encrypted/i.test(key.message);
    throw new Error(locked ? "is locked by a passphrase; an agent needs a key without one" : `is no private key: ${key.message}`);
  }
  const usable = key as ParsedKey;
  if (!usable.isPrivateKey()) throw new Error("is a public key; name the private one");
  return usable;
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
