/** The system event log: of the log services of system, managers and chassis, the one that is a SEL, else the first that has entries. */
import { UnsupportedError } from "../../../../proto/base/errors.js";
import type { EventLog, EventLogEntry } from "../../../ports/management.js";
import { type Json, linkIn, membersIn, membersOf, numberIn, objectIn, objectsIn, pathOf, textIn } from "./json.js";
import type { RedfishService } from "./service.js";
import type { ComputerSystem } from "./system.js";

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

/** Pages of a log that are read at most. */
const maxPages = 50;

interface Log {
  readonly service: Json;
  readonly entries: readonly Json[];
  readonly count: number;
}

/** The newest `limit` entries, oldest first. UnsupportedError when there is no log. */
export async function readEventLog(system: ComputerSystem, limit: number, options?: Waiting): Promise<EventLog> {
  const services = await logServices(system, options);
  const sel = services.find(isSel);
  let log = sel && (await readLog(system.service, sel, limit, options));
  for (const each of sel === undefined ? services : []) {
    log = await readLog(system.service, each, limit, options);
    if (log.count > 0) break;
  }
  if (log === undefined) throw new UnsupportedError(`${system.service.label}: the service has no event log`);
  const most = numberIn(log.service, "MaxNumberOfRecords") ?? 0;
  const entries = log.entries.map(entryOf).sort((a, b) => a.timeMs - b.timeMs || a.id - b.id);
  return { count: log.count, overflow: most > 0 && log.count >= most, entries: limit === 0 ? [] : entries.slice(-limit) };
}

async function logServices(system: ComputerSystem, options?: Waiting): Promise<readonly Json[]> {
  const { service } = system;
  const { json } = await system.resource(options);
  const others = [...membersIn(json["Links"], "ManagedBy"), ...membersIn(json["Links"], "Chassis")];
  const owners = [json];
  for (const path of others) owners.push((await service.get(path, options)).json);
  const found: Json[] = [];
  for (const owner of owners) {
    const collection = linkIn(owner, "LogServices");
    if (collection === undefined) continue;
    for (const path of membersOf((await service.get(collection, options)).json)) found.push((await service.get(path, options)).json);
  }
  return found.filter((each) => linkIn(each, "Entries") !== undefined);
}

function isSel(log: Json): boolean {
  return textIn(log, "LogEntryType") === "SEL" || textIn(log, "Id").toUpperCase() === "SEL";
}

async function readLog(service: RedfishService, log: Json, limit: number, options?: Waiting): Promise<Log> {
  const told: Json[] = [];
  let count = 0;
  let path = linkIn(log, "Entries");
  for (let page = 0; path !== undefined && page < maxPages; page += 1) {
    const { json } = await service.get(path, options);
    told.push(...objectsIn(json, "Members"));
    count = Math.max(count, numberIn(json, "Members@odata.count") ?? 0, told.length);
    path = pathOf(textIn(json, "Members@odata.nextLink"));
  }
  return { service: log, count, entries: await expanded(service, told, limit, options) };
}

/** A collection may hold its entries or only links to them. By links, the newest are those of the highest number. */
async function expanded(service: RedfishService, members: readonly Json[], limit: number, options?: Waiting): Promise<readonly Json[]> {
  if (members.every(isEntry)) return members;
  const paths = members.flatMap((each) => pathOf(textIn(each, "@odata.id")) ?? []);
  const entries: Json[] = [];
  for (const path of [...paths].sort((a, b) => numberOf(a) - numberOf(b)).slice(-Math.max(limit, 1))) {
    entries.push((await service.get(path, options)).json);
  }
  return entries;
}

function isEntry(member: Json): boolean {
  return "Message" in member || "Created" in member || "EntryType" in member;
}

/** The number an id or a path ends with; 0 when with none. */
function numberOf(text: string): number {
  return Number(/(\d{1,15})\/?$/.exec(text)?.[1] ?? 0);
}

/** Pure. */
export function entryOf(entry: Json): EventLogEntry {
  const timeMs = Date.parse(textIn(entry, "Created"));
  const code = textIn(entry, "EntryCode");
  const number = numberIn(entry, "SensorNumber");
  const sensor = [textIn(entry, "SensorType"), number === undefined ? "" : `0x${number.toString(16).padStart(2, "0")}`];
  return {
    id: numberOf(textIn(entry, "Id")),
    timeMs: Number.isFinite(timeMs) && timeMs > 0 ? timeMs : 0,
    sensor: sensor
      .filter((each) => each !== "")
      .join(" ")
      .toLowerCase(),
    event: textIn(entry, "Message") || code || textIn(entry, "MessageId") || textIn(objectIn(entry, "Oem"), "Message"),
    deasserted: code === "Deassert",
    record: Buffer.from(JSON.stringify(entry)),
  };
}
