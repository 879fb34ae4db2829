/**
 * The table of nodes that is compiled into every image: names by node id, and name → InfiniBand LID. It stands in two files that
 * differ upstream; one text is generated and written into both (facts: LegoOS §3).
 */

export const kernelTableFile = "net/lego/fit_machine.c";
export const moduleTableFile = "linux-modules/fit/fit_machine.c";

export interface NodeTableRow {
  readonly id: number;
  /** A key of the table and no more: never compared with the machine's host name. */
  readonly name: string;
  readonly lid: number;
}

const names = /(\blego_cluster_hostnames\s*\[\s*CONFIG_FIT_NR_NODES\s*\]\s*=\s*)\{[^{}]*\}/g;
const machines = /(\bWUKLAB_CLUSTER\s*\[\s*\]\s*=\s*)\{(?:[^{}]|\{[^{}]*\})*\}/g;

/** Replaces both initialisers in the text of a fit_machine.c. */
export function setNodeTable(text: string, rows: readonly NodeTableRow[]): { readonly text: string } | { readonly problem: string } {
  for (const [what, pattern] of [
    ["list of names lego_cluster_hostnames", names],
    ["table of machines WUKLAB_CLUSTER", machines],
  ] as const) {
    const count = text.match(pattern)?.length ?? 0;
    if (count !== 1) return { problem: `found ${count} times the ${what} where one was expected; is this the master branch of LegoOS?` };
  }
  return {
    text: text
      .replace(names, (_, head: string) => `${head}${namesInitialiser(rows)}`)
      .replace(machines, (_, head: string) => `${head}${machinesInitialiser(rows)}`),
  };
}

/** The two initialisers as they stand in a fit_machine.c: what all files must have in common. Undefined when there are none. */
export function readNodeTable(text: string): string | undefined {
  const found = [text.match(names), text.match(machines)].map((matches) => (matches?.length === 1 ? matches[0] : undefined));
  if (found.includes(undefined)) return undefined;
  return found.map((each) => each?.slice(each.indexOf("{"))).join("\n");
}

/** What readNodeTable gives for a file that setNodeTable has written. */
export function renderNodeTable(rows: readonly NodeTableRow[]): string {
  return `${namesInitialiser(rows)}\n${machinesInitialiser(rows)}`;
}

function namesInitialiser(rows: readonly NodeTableRow[]): string {
  return `{\n${rows.map((row) => `\t[${row.id}]\t=\t"${row.name}",\n`).join("")}}`;
}

function machinesInitialiser(rows: readonly NodeTableRow[]): string {
  return `{\n${rows.map((row) => `[${row.id}]\t= {\t.hostname =\t"${row.name}",\t.lid =\t${row.lid},\t},\n`).join("")}}`;
}
