/** /var/lib/dpkg/status of a simulated Ubuntu: a paragraph for every package there is. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { MachineView } from "../tools/machine-view.js";

const path = "/var/lib/dpkg/status";

export interface Package {
  readonly name: string;
  readonly version: string;
  /** Below "/", to be removed with it. */
  readonly files: readonly string[];
}

export function formatStatus(packages: readonly Package[]): string {
  return packages.map((each) => `${paragraph(each)}\n`).join("");
}

/** As `dpkg -s` prints it. */
export function paragraph({ name, version, files }: Package): string {
  const lines = [`Package: ${name}`, "Status: install ok installed", "Priority: optional", "Architecture: amd64", `Version: ${version}`];
  return [...lines, ...(files.length > 0 ? [`X-Files: ${files.join(" ")}`] : []), ""].join("\n");
}

export function readPackages(machine: MachineView): readonly Package[] {
  const field = (text: string, name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1] ?? "";
  return (machine.read(path) ?? "")
    .split(/\n\n/)
    .filter((text) => text.includes("Package: "))
    .map((text) => ({
      name: field(text, "Package"),
      version: field(text, "Version"),
      files: field(text, "X-Files")
        .split(" ")
        .filter((file) => file !== ""),
    }));
}

export function findPackage(machine: MachineView, name: string): Package | undefined {
  return readPackages(machine).find((each) => each.name === name);
}

/** Adds packages; one of the same name takes the place of the older. */
export function addPackages(machine: MachineView, added: readonly Package[]): void {
  const names = new Set(added.map(({ name }) => name));
  writePackages(machine, [...readPackages(machine).filter(({ name }) => !names.has(name)), ...added]);
}

export function removePackage(machine: MachineView, removed: string): void {
  writePackages(
    machine,
    readPackages(machine).filter(({ name }) => name !== removed),
  );
}

function writePackages(machine: MachineView, packages: readonly Package[]): void {
  const host = machine.host(path);
  mkdirSync(dirname(host), { recursive: true });
  writeFileSync(host, formatStatus(packages));
}
