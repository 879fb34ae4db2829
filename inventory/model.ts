/**
 * A lab as the rest of the house sees it: the inventory file after checking, with every default applied and every name resolved.
 * Credentials stay references here; `resolveCredentials` (controller only) reads them when they are needed.
 */

/** Where a secret is: never the secret itself. `file` must not be readable by others (0600). */
export type SecretReference = { readonly env: string } | { readonly file: string };

export interface BmcSpec {
  readonly address: string;
  /** UDP; default 623. */
  readonly port: number;
  readonly user: string;
  readonly password: SecretReference | undefined;
  readonly kg: SecretReference | undefined;
  readonly privilege: "operator" | "administrator" | "user";
  /** Tried in order; empty = 17, then 3. */
  readonly cipherSuites: readonly number[];
  readonly quirks: readonly string[];
  /** Site agent beside it. */
  readonly via: string;
}

/** Power by a program on the site agent instead of a BMC: argv prefix, called with "status", "on", "off" or "reset" appended. */
export interface PowerCommandSpec {
  readonly command: readonly string[];
  readonly via: string;
}

export interface ConsoleSpec {
  readonly kind: "sol" | "serial" | "tcp" | "telnet" | "unix" | "file";
  /** Device, path or HOST:PORT; "" for sol. */
  readonly target: string;
  readonly baudRate: number;
  /** The node's own name for the line: "ttyS1". */
  readonly line: string;
  /** Site agent it arrives at. */
  readonly via: string;
}

/** A machine without agent, reached by ssh from a machine that has one. */
export interface SshSpec {
  /** Default: the node's own. */
  readonly address: string;
  /** TCP; default 22. */
  readonly port: number;
  readonly user: string;
  /** Path of the private key on the machine that connects; "" = id_ed25519, id_ecdsa or id_rsa in its ~/.ssh. */
  readonly identity: string;
  /** "ssh-ed25519 AAAA…"; "" = what the connecting machine's ~/.ssh/known_hosts says. A key that is not known is refused. */
  readonly hostKey: string;
  /** Node or agent whose agent connects. */
  readonly via: string;
}

export interface NodeSpec {
  readonly name: string;
  readonly arch: string;
  readonly address: string | undefined;
  readonly tags: readonly string[];
  readonly bmc: BmcSpec | undefined;
  readonly powerCommand: PowerCommandSpec | undefined;
  readonly console: ConsoleSpec | undefined;
  /** False: no agent runs on it. Always false when `ssh` says how else it is reached. */
  readonly agent: boolean;
  readonly ssh: SshSpec | undefined;
  /** Facts about the machine that only a simulation needs; see docs/simulation.md. Free-form, checked by the simulator. */
  readonly sim: Readonly<Record<string, unknown>>;
}

export interface AgentSpec {
  readonly name: string;
  readonly site: boolean;
}

export interface DeploymentSpec {
  readonly name: string;
  readonly recipe: string;
  /** In file order. */
  readonly roles: Readonly<Record<string, readonly string[]>>;
  /** `with:` as written; the recipe checks it. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Position of the deployment in the file, for messages. */
  readonly position: { readonly line: number; readonly column: number };
}

export interface Lab {
  readonly name: string;
  /** Path the inventory was read from. */
  readonly file: string;
  readonly agents: readonly AgentSpec[];
  /** In file order. */
  readonly nodes: readonly NodeSpec[];
  readonly deployments: readonly DeploymentSpec[];
}
