/**
 * What Kconfig does to a .config, as far as a deployment can notice (facts: LegoOS §1 and §2): unknown and malformed lines are
 * dropped, values of symbols whose conditions are unmet are dropped, numbers out of range fall back to the default, the last
 * assignment wins, and a symbol without value or default is a question. Pure.
 */
import { type KconfigSymbol, symbolByName, symbols } from "./kconfig-symbols.js";

/** What .config assigns: symbol → value without quotes; "n" for "is not set". */
export type Assignments = ReadonlyMap<string, string>;

export interface ParsedConfig {
  readonly assignments: Assignments;
  /** As conf prints them: ".config:12:warning: …". */
  readonly warnings: readonly string[];
}

/** Values of all symbols whose conditions are met. "" = a number nobody gave a value. */
export interface ResolvedConfig {
  readonly values: ReadonlyMap<string, string>;
  /** Symbols a person would be asked about: visible, and without a usable assignment. */
  readonly questions: readonly KconfigSymbol[];
}

/** Reads a .config or a defconfig. */
export function parseConfig(text: string, file = ".config"): ParsedConfig {
  const assignments = new Map<string, string>();
  const warnings: string[] = [];
  text.split("\n").forEach((line, index) => {
    const warn = (message: string) => warnings.push(`${file}:${index + 1}:warning: ${message}`);
    const unset = /^# CONFIG_(\w+) is not set$/.exec(line);
    const set = /^CONFIG_(\w+)=(.*)$/.exec(line);
    if (unset?.[1] !== undefined) assignments.set(unset[1], "n");
    else if (set?.[1] !== undefined) assign(assignments, set[1], set[2] ?? "", warn);
    else if (line !== "" && !line.startsWith("#")) warn("unexpected data");
  });
  return { assignments, warnings };
}

function assign(assignments: Map<string, string>, name: string, written: string, warn: (message: string) => void): void {
  const symbol = symbolByName.get(name);
  if (symbol === undefined) return;
  const value = symbol.type === "string" ? unquote(written) : written;
  if (value === undefined || !isWellFormed(symbol, value)) return warn(`symbol value '${written}' invalid for ${name}`);
  if (assignments.has(name)) warn(`override: reassigning to symbol ${name}`);
  if (symbol.choice !== undefined && value === "y") {
    for (const other of symbols) if (other.choice === symbol.choice && assignments.has(other.name)) assignments.set(other.name, "n");
  }
  assignments.set(name, value);
}

function isWellFormed(symbol: KconfigSymbol, value: string): boolean {
  if (symbol.type === "bool") return value === "y" || value === "n";
  return symbol.type === "string" || /^-?(0|[1-9]\d*)$/.test(value);
}

function unquote(written: string): string | undefined {
  const match = /^"((?:[^"\\]|\\.)*)"/.exec(written);
  return match?.[1]?.replace(/\\(.)/g, "$1");
}

/** Applies conditions, ranges, choices and defaults to what was assigned. */
export function resolveConfig(assignments: Assignments): ResolvedConfig {
  const known = new Map<string, string>();
  const value = (name: string): string => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const symbol = symbolByName.get(name);
    const found = symbol === undefined || !symbol.dependsOn(value) ? "" : valueOf(symbol);
    known.set(name, found);
    return found;
  };
  const usable = (symbol: KconfigSymbol): string | undefined => {
    const assigned = symbol.prompt === undefined ? undefined : assignments.get(symbol.name);
    return assigned !== undefined && inRange(symbol, assigned) ? assigned : undefined;
  };
  const valueOf = (symbol: KconfigSymbol): string =>
    symbol.choice === undefined ? (usable(symbol) ?? symbol.defaultValue(value)) : chosen(symbol) ? "y" : "n";
  const chosen = (symbol: KconfigSymbol): boolean => {
    const members = symbols.filter((each) => each.choice === symbol.choice);
    const picked = members.find((each) => usable(each) === "y") ?? members.find((each) => each.defaultValue(value) === "y");
    return picked === symbol;
  };
  const visible = symbols.filter((symbol) => symbol.dependsOn(value));
  return {
    values: new Map(visible.map((symbol) => [symbol.name, value(symbol.name)])),
    questions: visible.filter(
      (symbol) => symbol.prompt !== undefined && usable(symbol) === undefined && !answered(symbol, visible, usable),
    ),
  };
}

/** A choice is one question: answered once any member is y; asked at its first member. */
function answered(
  symbol: KconfigSymbol,
  visible: readonly KconfigSymbol[],
  usable: (symbol: KconfigSymbol) => string | undefined,
): boolean {
  if (symbol.choice === undefined) return false;
  const members = visible.filter((each) => each.choice === symbol.choice);
  return members[0] !== symbol || members.some((each) => usable(each) === "y");
}

export function inRange(symbol: KconfigSymbol, value: string): boolean {
  if (symbol.range === undefined) return true;
  const [low, high] = symbol.range;
  return Number(value) >= low && Number(value) <= high;
}

/** The .config that conf writes. A number nobody gave a value is written empty, and read back as invalid. */
export function formatConfig(config: ResolvedConfig): string {
  const lines = ["#", "# Automatically generated file; DO NOT EDIT.", "# LegoOS/x86 4.0.0 Kernel Configuration", "#"];
  let menu = "";
  for (const symbol of symbols) {
    const value = config.values.get(symbol.name);
    if (value === undefined) continue;
    if (symbol.menu !== menu) {
      menu = symbol.menu;
      lines.push("", "#", `# ${menu}`, "#");
    }
    lines.push(formatSymbol(symbol, value));
  }
  return `${lines.join("\n")}\n`;
}

function formatSymbol(symbol: KconfigSymbol, value: string): string {
  if (symbol.type === "string") return `CONFIG_${symbol.name}="${value.replace(/["\\]/g, "\\$&")}"`;
  return symbol.type === "bool" && value === "n" ? `# CONFIG_${symbol.name} is not set` : `CONFIG_${symbol.name}=${value}`;
}
