/** The known_hosts file of OpenSSH (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). Pure. */
import { createHmac } from "node:crypto";

export interface KnownKeys {
  /** Public keys as they go over the wire. */
  readonly keys: readonly Buffer[];
  /** Marked @revoked: never to be accepted. */
  readonly revoked: readonly Buffer[];
}

/** The name a host is listed by: "board", or "[board]:2222" for another port than 22. */
export function hostName(address: string, port: number): string {
  return port === 22 ? address.toLowerCase() : `[${address.toLowerCase()}]:${port}`;
}

/** Keys of one host in the text of a known_hosts file. Lines of certificate authorities, and lines that are none, count for nothing. */
export function knownKeys(text: string, address: string, port: number): KnownKeys {
  const name = hostName(address, port);
  const keys: Buffer[] = [];
  const revoked: Buffer[] = [];
  for (const line of text.split("\n")) {
    const words = line.trim().split(/\s+/);
    const marker = words[0]?.startsWith("@") === true ? words.shift() : undefined;
    const [hosts = "", type = "", key = ""] = words;
    if (hosts === "" || hosts.startsWith("#") || key === "" || !matches(hosts, name)) continue;
    const bytes = publicKey(`${type} ${key}`);
    if (bytes === undefined) continue;
    if (marker === undefined) keys.push(bytes);
    if (marker === "@revoked") revoked.push(bytes);
  }
  return { keys, revoked };
}

/** The bytes of "ssh-ed25519 AAAA…"; undefined when it is no key of the type it says. */
export function publicKey(text: string): Buffer | undefined {
  const [type = "", key = ""] = text.trim().split(/\s+/);
  const bytes = Buffer.from(key, "base64");
  return keyType(bytes) === type ? bytes : undefined;
}

/** The type a public key begins with (RFC 4253 §6.6); "" when it is none. */
export function keyType(key: Buffer): string {
  const length = key.length < 4 ? 0 : key.readUInt32BE(0);
  return length > 0 && length <= 64 && key.length > 4 + length ? key.toString("latin1", 4, 4 + length) : "";
}

function matches(hosts: string, name: string): boolean {
  if (hosts.startsWith("|1|")) return matchesHashed(hosts, name);
  let matched = false;
  for (const pattern of hosts.split(",")) {
    const negated = pattern.startsWith("!");
    if (!globOf(negated ? pattern.slice(1) : pattern).test(name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** "|1|salt|HMAC-SHA1 of the name", both base64. */
function matchesHashed(hosts: string, name: string): boolean {
  const [, , salt = "", hash = ""] = hosts.split("|");
  return createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash;
}

function globOf(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "i");
}
