/** Whether the machine at the other end is the one that was meant. */
import { createHash } from "node:crypto";
import { AuthenticationError } from "../../../proto/base/errors.js";
import { hostName, keyType, type KnownKeys } from "./known-hosts.js";

/** As `ssh-keygen -l` prints it: "SHA256:…" without padding. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

export interface Expectation extends KnownKeys {
  /** Where that is written: "the inventory's host_key", "/root/.ssh/known_hosts". */
  readonly source: string;
}

export interface Place {
  readonly label: string;
  readonly address: string;
  readonly port: number;
}

/** Why an offered host key is not accepted, with the way to accept it; undefined when it is the one expected. */
export function refusal(offered: Buffer, expected: Expectation, place: Place): AuthenticationError | undefined {
  const shown = `${keyType(offered)} ${fingerprint(offered)}`;
  const facts = { offered: fingerprint(offered), address: place.address, port: place.port };
  const isAmong = (keys: readonly Buffer[]) => keys.some((key) => key.equals(offered));
  if (isAmong(expected.revoked)) {
    return new AuthenticationError(`${place.label}: its host key ${shown} is revoked in ${expected.source}; do not connect`, { facts });
  }
  if (isAmong(expected.keys)) return undefined;
  if (expected.keys.length === 0) {
    return new AuthenticationError(
      `${place.label}: its host key is not known: it offered ${shown}; compare that with ${ownFingerprint(offered)} on the machine, then ${accept(offered, place)}`,
      { facts },
    );
  }
  const known = expected.keys.map((key) => `${keyType(key)} ${fingerprint(key)}`).join(", ");
  const name = hostName(place.address, place.port);
  return new AuthenticationError(
    `${place.label}: its host key has changed: it offered ${shown}, ${expected.source} says ${known}; another machine answers at this address, ` +
      `or it was installed anew: then remove the old key (ssh-keygen -R '${name}', or host_key in the inventory) and ${accept(offered, place)}`,
    { facts },
  );
}

/** Algorithms for host keys, those whose key is known first: a machine that has several keys then shows one that can be checked. */
export function hostKeyAlgorithms(expected: KnownKeys): string[] {
  const known = new Set(expected.keys.flatMap((key) => signatures[keyType(key)] ?? []));
  return [...known, ...Object.values(signatures).flat()].filter((each, index, all) => all.indexOf(each) === index);
}

const signatures: Readonly<Record<string, readonly string[]>> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
};

function accept(offered: Buffer, { address, port }: Place): string {
  const scan = `ssh-keyscan ${port === 22 ? "" : `-p ${port} `}${address} >> ~/.ssh/known_hosts`;
  return `accept it on the connecting machine: ${scan}, or in the inventory: ssh: { host_key: "${keyType(offered)} ${offered.toString("base64")}" }`;
}

function ownFingerprint(offered: Buffer): string {
  const name = keyType(offered).replace(/^ssh-|^ecdsa-sha2-nistp.*$/, (found) => (found === "ssh-" ? "" : "ecdsa"));
  return `ssh-keygen -lf /etc/ssh/ssh_host_${name}_key.pub`;
}
