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

/** How a node's power is switched when not by IPMI. `via`: the agent that does it. */
export type PowerSpec = { readonly via: string } & (
  | { readonly kind: "command"; readonly argv: readonly string[] }
  | {
      readonly kind: "redfish";
      /** "https://10.0.1.10". */
      readonly url: string;
      readonly user: string;
      readonly password: SecretReference | undefined;
      /** "/redfish/v1/Systems/1"; "" = the only one there is. */
      readonly system: string;
      /** 64 lower-case hexadecimal digits; "" = the certificate must be signed by a trusted authority. */
      readonly fingerprint: string;
    }
  | { readonly kind: "libvirt"; readonly uri: string; readonly domain: string }
  | { readonly kind: "agent" }
  | { readonly kind: "manual"; readonly note: string }
);

/** What protects a node's power, however it is switched. */
export interface PowerSafetySpec {
  /** Name of a power group; "" = none. */
  readonly group: string;
  /** Seconds; 0 = the agent's settling time. */
  readonly minOffS: number;
  /** 0 = no limit. */
  readonly cyclesPerHour: number;
  /** Why its power must not be touched; "" = it may be. */
  readonly hold: string;
}

/** What nodes on one supply share. All of them are switched by one agent. */
export interface PowerGroupSpec {
  readonly name: string;
  /** Transitions under way at the same time; 0 = no limit. */
  readonly atOnce: number;
  /** Seconds between two nodes being switched on. */
  readonly staggerS: number;
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
  /** Undefined = by its BMC, if it has one. */
  readonly power: PowerSpec | undefined;
  readonly safety: PowerSafetySpec;
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
  readonly powerGroups: readonly PowerGroupSpec[];
}

/** The agent that switches a node's power; undefined when nothing can. */
export function powerAgent({ power, bmc }: Pick<NodeSpec, "power" | "bmc">): string | undefined {
  return power?.via ?? bmc?.via;
}
