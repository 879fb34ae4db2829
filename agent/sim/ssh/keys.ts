/** The keys that let one simulated machine log in to another: laid as whoever sets up a lab would have laid them. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ssh2, { type PublicKeyAuthContext } from "ssh2";
import type { Lab, SshSpec } from "../../../inventory/model.js";

/** Home directory of a login, on its machine. */
export function homeOf(user: string): string {
  return user === "root" ? "/root" : `/home/${user}`;
}

/** Private host key of a node, made when it is first asked for and kept in the node's directory. */
export function hostKey(nodeDirectory: string): { private: string; public: string } {
  return keyPair(join(nodeDirectory, "ssh_host_ed25519_key"), "host");
}

/**
 * For every node reached by ssh from another one: the other's key pair (made if absent), its public half in the node's authorized_keys,
 * the node's host key in the other's known_hosts. What is there besides stays. An agent that is no simulated machine uses the keys of
 * whoever runs it: those are not touched.
 */
export function layKeys(lab: Lab, stateDirectory: string): void {
  const rootOf = (node: string) => join(stateDirectory, node, "root");
  for (const { name, ssh } of lab.nodes) {
    if (ssh === undefined || !lab.nodes.some((node) => node.name === ssh.via)) continue;
    const ours = join(rootOf(ssh.via), "root/.ssh");
    const identity = ssh.identity === "" ? join(ours, "id_ed25519") : join(rootOf(ssh.via), ssh.identity);
    const pair = keyPair(identity, `root@${ssh.via}`);
    addLine(join(rootOf(name), homeOf(ssh.user), ".ssh/authorized_keys"), pair.public, (line) => line.includes(keyOf(pair.public)));
    const known = hostName(ssh);
    const entry = `${known} ${words(hostKey(join(stateDirectory, name)).public)
      .slice(0, 2)
      .join(" ")}`;
    replaceLine(join(ours, "known_hosts"), entry, (line) => words(line)[0] === known);
  }
}

/** True when the key somebody shows stands in this text of an authorized_keys file, and is proven to be theirs. */
export function isAuthorized({ key, signature, blob, hashAlgo }: PublicKeyAuthContext, authorizedKeys: string): boolean {
  const shown = key.data.toString("base64");
  if (!authorizedKeys.split("\n").some((line) => words(line).includes(shown))) return false;
  // First they only ask whether the key would do.
  if (signature === undefined || blob === undefined) return true;
  const parsed = ssh2.utils.parseKey(`${key.algo} ${shown}`);
  const verifier: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  if (verifier instanceof Error) return false;
  return (verifier as { verify(data: Buffer, sign: Buffer, algo?: string): boolean | Error }).verify(blob, signature, hashAlgo) === true;
}

/** A file that is no private key is not one somebody made. */
function keyPair(path: string, comment: string): { private: string; public: string } {
  const parsed = existsSync(path) ? ssh2.utils.parseKey(readFileSync(path)) : new Error("absent");
  const isKey = !(parsed instanceof Error);
  if (!isKey) {
    const made = ssh2.utils.generateKeyPairSync("ed25519", { comment });
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, made.private, { mode: 0o600 });
    writeFileSync(`${path}.pub`, `${made.public}\n`);
  }
  return { private: readFileSync(path, "utf8"), public: readFileSync(`${path}.pub`, "utf8").trim() };
}

function hostName({ address, port }: SshSpec): string {
  return port === 22 ? address : `[${address}]:${port}`;
}

function addLine(file: string, line: string, isThere: (line: string) => boolean): void {
  const lines = linesOf(file);
  if (!lines.some(isThere)) writeLines(file, [...lines, line]);
}

function replaceLine(file: string, line: string, isOld: (line: string) => boolean): void {
  writeLines(file, [...linesOf(file).filter((each) => !isOld(each)), line]);
}

function linesOf(file: string): string[] {
  return existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line !== "")
    : [];
}

function writeLines(file: string, lines: readonly string[]): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 });
}

function keyOf(publicKey: string): string {
  return words(publicKey)[1] ?? "";
}

function words(line: string): string[] {
  return line.trim().split(/\s+/);
}
