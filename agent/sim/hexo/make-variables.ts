/** Variables of the template Makefile: command line before environment before the file's `NAME?=value` (facts: HEXO §2). Pure. */
import type { ToolCall } from "../tools/tool.js";

/** One run of make in an application's directory. */
export interface MakeCall {
  readonly call: ToolCall;
  readonly variables: MakeVariables;
}

export class MakeVariables {
  readonly #file: ReadonlyMap<string, string>;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #commandLine: ReadonlyMap<string, string>;

  constructor(makefile: string, environment: Readonly<Record<string, string | undefined>>, commandLine: ReadonlyMap<string, string>) {
    this.#file = new Map([...makefile.matchAll(/^(\w+)\s*\??=[ \t]*(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]));
    this.#environment = environment;
    this.#commandLine = commandLine;
  }

  /** "" when nobody set it; `~` is the home directory. `$(shell …)` is left as it stands: who needs it runs it. */
  get(name: string): string {
    const value = this.#commandLine.get(name) ?? this.#environment[name] ?? this.#file.get(name) ?? "";
    return value.replace(/^~(?=\/|$)/, "/root").replace(/\$\((\w+)\)/g, (_, inner: string) => this.get(inner));
  }

  words(name: string): readonly string[] {
    return this.get(name)
      .split(/\s+/)
      .filter((word) => word !== "" && !word.startsWith("$("));
  }

  /** What the template gives the proxy on one side. */
  proxyEnvironment(nodeId: 0 | 1): Readonly<Record<string, string>> {
    return {
      HERMIT_ISLE: "uhyve",
      HERMIT_MEM: this.get("MEM"),
      HERMIT_CPUS: this.get("CPUS"),
      HERMIT_VERBOSE: this.get("VERBOSE"),
      HERMIT_MIGTEST: this.get("MIGTEST"),
      HERMIT_MIGRATE_RESUME: this.get("RESUME"),
      HERMIT_DEBUG: this.get("DEBUG"),
      HERMIT_NODE_ID: String(nodeId),
      ST_X86_64_BIN: "prog_x86-64_aligned",
      ST_AARCH64_BIN: "prog_aarch64_aligned",
      HERMIT_MIGRATE_PORT: this.get("PORT"),
      HERMIT_MIGRATE_SERVER: this.get("SERVER"),
      HERMIT_FULL_CHKPT_SAVE: this.get("FULL_CHKPT_SAVE"),
      HERMIT_FULL_CHKPT_RESTORE: this.get("FULL_CHKPT_RESTORE"),
    };
  }
}
