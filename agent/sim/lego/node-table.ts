/** fit_machine.c as the compiler reads it: host names by node id, and the table host name → LID (facts: LegoOS §3). Pure. */
import { preprocess } from "./c-preprocessor.js";
import { describe, TokenCursor, tokenize } from "./c-tokens.js";
import { CompileError } from "./compile-error.js";

export interface NodeTable {
  /** By node id, as long as FIT_NR_NODES; null = no name given (a table goes through JSON on its way into an image). */
  readonly hostnames: readonly (string | null)[];
  readonly machines: readonly Machine[];
}

export interface Machine {
  readonly hostname: string;
  readonly lid: number;
}

/** What the FIT layer makes of a table when it starts. */
export interface CheckedTable {
  /** By node id; undefined where a name is missing, unknown or used twice. */
  readonly nodes: readonly (Machine | undefined)[];
  /** What it says about them, without the "fit: " in front: "    Empty hostname on node 2". */
  readonly complaints: readonly string[];
}

/** Reads net/lego/fit_machine.c or linux-modules/fit/fit_machine.c. Throws CompileError where gcc would stop. */
export function compileNodeTable(file: string, source: string, defined: ReadonlyMap<string, string>): NodeTable {
  const tokens = tokenize(file, preprocess(file, source, defined));
  return { hostnames: readHostnames(file, new TokenCursor(tokens)), machines: readMachines(file, new TokenCursor(tokens)) };
}

function readHostnames(file: string, cursor: TokenCursor): (string | null)[] {
  if (!cursor.seek("lego_cluster_hostnames", "[")) throw undeclared(file, "lego_cluster_hostnames");
  const length = cursor.expectInteger();
  cursor.expect("]");
  const hostnames: (string | null)[] = Array.from({ length }, () => null);
  readInitializer(cursor, (index, designated) => {
    if (index >= length && designated) throw new CompileError(cursor.next.at, "array index in initializer exceeds array bounds");
    const hostname = cursor.expectString();
    // gcc 4.8 stops at an index outside the array, and only warns of a value too many that has no index: it is lost.
    if (index < length) hostnames[index] = hostname;
  });
  return hostnames;
}

function readMachines(file: string, cursor: TokenCursor): Machine[] {
  if (!cursor.seek("struct", "fit_machine_info", "WUKLAB_CLUSTER", "[")) throw undeclared(file, "WUKLAB_CLUSTER");
  cursor.expect("]");
  const machines: Machine[] = [];
  readInitializer(cursor, (index) => {
    cursor.expect("{");
    machines[index] = readMachine(cursor);
  });
  // An index left out is a machine whose name is a null pointer: the search of the real code faults on it; here it has no name.
  return Array.from(machines, (machine) => machine ?? { hostname: "", lid: 0 });
}

function readMachine(cursor: TokenCursor): Machine {
  let hostname = "";
  let lid = 0;
  while (!cursor.skip("}")) {
    cursor.expect(".");
    const field = cursor.take();
    cursor.expect("=");
    if (field.text === "hostname") hostname = cursor.expectString();
    else if (field.text === "lid") lid = cursor.expectInteger();
    else throw new CompileError(field.at, `unknown field ‘${field.text}’ specified in initializer`);
    if (!cursor.skip(",") && !cursor.is("}")) throw new CompileError(cursor.next.at, `expected ‘}’ before ${describe(cursor.next)}`);
  }
  return { hostname, lid };
}

/** Reads `= { [n] = …, …, };`, calling `element` with the index of each value; the cursor stands on the value then. */
function readInitializer(cursor: TokenCursor, element: (index: number, designated: boolean) => void): void {
  cursor.expect("=");
  cursor.expect("{");
  let index = 0;
  while (!cursor.skip("}")) {
    const designated = cursor.skip("[");
    if (designated) {
      index = cursor.expectInteger();
      cursor.expect("]");
      cursor.expect("=");
    }
    element(index, designated);
    index += 1;
    if (!cursor.skip(",") && !cursor.is("}")) throw new CompileError(cursor.next.at, `expected ‘}’ before ${describe(cursor.next)}`);
  }
  if (!cursor.skip(";")) throw new CompileError(cursor.next.at, `expected ‘,’ or ‘;’ before ${describe(cursor.next)}`);
}

function undeclared(file: string, name: string): CompileError {
  return new CompileError({ file, line: 1, column: 1 }, `‘${name}’ undeclared (first use in this function)`);
}

/** Finds each name in the table, as init_global_lid_qpn() does. */
export function checkNodeTable(table: NodeTable): CheckedTable {
  const complaints: string[] = [];
  const used = new Set<Machine>();
  const nodes = table.hostnames.map((hostname, node) => {
    if (hostname === null) return void complaints.push(`    Empty hostname on node ${node}`);
    const machine = table.machines.find((each) => each.hostname === hostname);
    if (machine === undefined) return void complaints.push(`    Wrong hostname ${hostname} on node ${node}`);
    if (used.has(machine)) return void complaints.push(`    Duplicated hostname ${hostname} on node ${node}`);
    used.add(machine);
    return machine;
  });
  return { nodes, complaints };
}
