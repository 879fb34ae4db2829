/** Keys of one run: the board's host key and the one that opens it. Made by OpenSSH itself, never part of an image. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ArchiveEntry, cpioArchive, file, folder } from "./cpio.js";
import { outputOf } from "./program.js";
import { boardUser } from "./startup.js";

export interface RunKeys {
  /** Path of the private key that opens the board. */
  readonly identity: string;
  /** "ssh-ed25519 AAAA…", without comment. */
  readonly hostKey: string;
  /** Files the board gets at start-up, as an archive to append to the initramfs. */
  readonly archive: Buffer;
}

export async function makeKeys(directory: string): Promise<RunKeys> {
  const host = join(directory, "host_key");
  const identity = join(directory, "id_ed25519");
  await outputOf(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "board", "-f", host]);
  await outputOf(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", identity]);
  const [hostPublic, userPublic] = await Promise.all([readFile(`${host}.pub`, "utf8"), readFile(`${identity}.pub`, "utf8")]);
  const ssh = "run-files/etc/ssh";
  const entries: ArchiveEntry[] = [
    ...["run-files", "run-files/etc", ssh, `${ssh}/keys`].map((path) => folder(path)),
    file(`${ssh}/ssh_host_ed25519_key`, await readFile(host), 0o600),
    file(`${ssh}/ssh_host_ed25519_key.pub`, hostPublic),
    ...["root", boardUser].map((user) => file(`${ssh}/keys/${user}`, userPublic)),
  ];
  return { identity, hostKey: hostPublic.split(" ").slice(0, 2).join(" "), archive: cpioArchive(entries) };
}

/** known_hosts with the board's key, and an ssh client configuration that trusts nothing else. */
export async function writeClientConfig(directory: string, keys: RunKeys, port: number): Promise<string> {
  const knownHosts = join(directory, "known_hosts");
  await writeFile(knownHosts, `[127.0.0.1]:${port} ${keys.hostKey}\n`);
  const config = join(directory, "ssh_config");
  const lines = [
    "Host board",
    "  HostName 127.0.0.1",
    `  Port ${port}`,
    `  User ${boardUser}`,
    "Host *",
    `  IdentityFile ${keys.identity}`,
    "  IdentitiesOnly yes",
    `  UserKnownHostsFile ${knownHosts}`,
    "  GlobalKnownHostsFile /dev/null",
    "  StrictHostKeyChecking yes",
    "  BatchMode yes",
    "  ConnectTimeout 10",
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  return config;
}
