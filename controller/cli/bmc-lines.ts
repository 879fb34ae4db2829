/** What a BMC told, on a screen. Pure. */
import type { BmcReport, BmcSolSettings, BmcSuite, BootOverride, EventLogEntry, Sensor } from "../../proto/gen/lab/v1/bmc.js";
import { type Style, table } from "./terminal.js";
import { recordTime } from "./units.js";

/** One screen: who it is, what works, what is wrong, and the inventory entry that keeps it. */
export function reportLines(node: string, report: BmcReport, style: Style): string[] {
  const facts: (readonly [string, readonly string[]])[] = [
    ["is", [identityText(report)]],
    ["GUID", [report.guid || "not told"]],
    ["suites", suiteLines(report.suites)],
    [
      "users",
      table(report.users.map((user) => [String(user.id), user.name || "(no name)", user.privilege, user.enabled ? "" : "disabled"])),
    ],
    ["SOL", [solText(report.sol)]],
    ["quirks", table(report.quirks.map((quirk) => [quirk.name, quirk.symptom]))],
    ["asked", [report.roundTripMs === 0 ? "no session" : `${report.roundTripMs} ms for a status; ${report.packets} packets in all`]],
  ];
  const rows = facts.flatMap(([title, lines]) => (lines.length === 0 ? ["–"] : lines).map((line, n) => [n === 0 ? title : "", line]));
  const problems = report.problems.map((problem) => style.yellow(`  ! ${problem}`));
  return [
    `${style.bold(node)}  bmc ${report.address}`,
    ...table(rows).map((line) => `  ${line}`),
    "",
    ...(problems.length === 0 ? ["no problems"] : [`${style.bold("problems")}`, ...problems]),
    ...(report.stanza === "" ? [] : ["", style.bold("for the inventory, under nodes:"), ...report.stanza.split("\n")]),
  ];
}

function identityText({ manufacturer, product, firmware, ipmiVersion }: BmcReport): string {
  if (firmware === "") return "not told";
  const maker = manufacturer === "" ? "manufacturer not told" : `manufacturer ${manufacturer}`;
  return `${maker}, product 0x${product}, firmware ${firmware}, IPMI ${ipmiVersion}`;
}

function suiteLines(suites: readonly BmcSuite[]): readonly string[] {
  // Some say nothing about any of them.
  const told = suites.some((each) => each.advertised);
  return suites.map(({ id, works, advertised, detail }) => {
    const offered = !told || advertised === works ? "" : advertised ? ", though advertised" : ", though not advertised";
    return `${id} ${works ? "works" : "does not work"}${offered}${detail === "" ? "" : `: ${detail}`}`;
  });
}

function solText(sol: BmcSolSettings | undefined): string {
  if (sol === undefined) return "not told";
  const rate = (bps: number) => (bps === 0 ? "the line's rate" : String(bps));
  const later = sol.nonvolatileBaudRate === sol.baudRate ? "" : `, ${rate(sol.nonvolatileBaudRate)} after its restart`;
  return [
    sol.enabled ? "enabled" : "disabled",
    `${rate(sol.baudRate)}${later}`,
    ...(sol.privilege === "" ? [] : [`from ${sol.privilege} on`]),
    ...(sol.forceEncryption ? ["encrypted only"] : []),
    ...(sol.port === 0 ? [] : [`port ${sol.port}`]),
  ].join(", ");
}

/** One line an entry: number, time, sensor, event. */
export function logLines(entries: readonly EventLogEntry[], style: Style): string[] {
  const rows = entries.map(({ id, timeMs, sensor, event, deasserted }) => [
    String(id),
    timeMs === 0n ? "clock not set" : recordTime(Number(timeMs)),
    sensor,
    deasserted ? `gone: ${event}` : event,
  ]);
  const [head = "", ...lines] = table([["ID", "TIME (the BMC's clock)", "SENSOR", "EVENT"], ...rows]);
  return [style.bold(head), ...lines];
}

export function isBad({ status }: Sensor): boolean {
  return status !== "ok" && !status.startsWith("ok:") && status !== "not available";
}

export function sensorLines(sensors: readonly Sensor[], style: Style): string[] {
  const rows = sensors.map(({ name, kind, value, unit, status }) => [
    name,
    kind,
    value === undefined ? "–" : `${Number(value.toPrecision(6))} ${unit}`.trim(),
    status,
  ]);
  const [head = "", ...lines] = table([["SENSOR", "KIND", "READING", "STATUS"], ...rows]);
  return [style.bold(head), ...lines.map((line, n) => (isBad(sensors[n] as Sensor) ? style.red(line) : line))];
}

/** "pxe, next boot only, UEFI"; "nothing: it boots as its firmware is set". */
export function bootText({ device, persistent, efi }: BootOverride): string {
  if (device === "none") return "nothing: boots as its firmware is set";
  return `${device}, ${persistent ? "every boot" : "next boot only"}${efi ? ", UEFI" : ""}`;
}
