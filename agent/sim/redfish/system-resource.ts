/** /redfish/v1/Systems and what is below it. */
import { z } from "zod";
import { type Computer, maxLogEntries, usualResets } from "./computer.js";
import type { RedfishFaults } from "./faults.js";
import { malformed, notAllowed, refuse, type RedfishReply } from "./message.js";
import { collection, isObject, link, type Json, type Route, type Routes, routesOf } from "./route.js";

export const systems = "/redfish/v1/Systems";
export const systemOne = `${systems}/1`;
const actionInfo = `${systemOne}/ResetActionInfo`;
const resetTarget = `${systemOne}/Actions/ComputerSystem.Reset`;
const log = `${systemOne}/LogServices/SEL`;
const bootTargets = ["None", "Pxe", "Hdd", "Cd", "Usb", "BiosSetup", "Diags", "UefiShell"] as const;

export interface SystemOptions {
  readonly name: string;
  /** Of the machine. */
  readonly uuid: string;
  readonly computer: Computer;
  readonly faults: RedfishFaults;
  /** What it may be reset to; default: everything. */
  readonly resets?: readonly string[] | undefined;
}

export function systemRoutes(options: SystemOptions): Routes {
  const { faults } = options;
  const others = faults.has("several-systems") ? { [`${systems}/2`]: { get: () => bareSystem("2") } } : {};
  const members = [systemOne, ...Object.keys(others)];
  return routesOf({
    ...others,
    [systems]: { get: () => collection(systems, "ComputerSystemCollection.ComputerSystemCollection", "Systems", members) },
    [systemOne]: { get: () => system(options), patch: (body) => patchSystem(body, options) },
    [resetTarget]: { post: (body) => reset(body, options) },
    [actionInfo]: faults.has("action-info") ? { get: () => resetActionInfo(options) } : undefined,
    ...logRoutes(options),
  });
}

function system(options: SystemOptions): Json {
  const { name, uuid, computer, faults } = options;
  const { startedMs } = computer;
  const plain = {
    ...bareSystem("1"),
    HostName: name,
    UUID: uuid,
    PowerState: computer.powerState,
    LastResetTime: startedMs === undefined ? null : new Date(startedMs).toISOString(),
    Actions: { "#ComputerSystem.Reset": { target: resetTarget, ...offeredResets(options) } },
  };
  if (faults.has("bare")) return plain;
  return {
    ...plain,
    AssetTag: computer.assetTag,
    IndicatorLED: computer.light,
    ...(faults.has("old-light") ? {} : { LocationIndicatorActive: computer.light !== "Off" }),
    Boot: {
      BootSourceOverrideEnabled: computer.boot.enabled,
      BootSourceOverrideTarget: computer.boot.target,
      "BootSourceOverrideTarget@Redfish.AllowableValues": bootTargets,
      BootSourceOverrideMode: computer.boot.mode,
    },
    LogServices: link(`${systemOne}/LogServices`),
    Links: { Chassis: [link("/redfish/v1/Chassis/1")], ManagedBy: [link("/redfish/v1/Managers/1")] },
  };
}

function bareSystem(id: string): Json {
  return {
    "@odata.id": `${systems}/${id}`,
    "@odata.type": "#ComputerSystem.v1_13_0.ComputerSystem",
    Id: id,
    Name: "Simulated machine",
    SystemType: "Physical",
    Manufacturer: "labd",
    Model: "Simulated machine",
    PowerState: "Off",
    Status: { State: "Enabled", Health: "OK" },
  };
}

function offeredResets({ resets = usualResets, faults }: SystemOptions): Json {
  if (faults.has("no-allowable-values")) return {};
  if (faults.has("action-info")) return { "@Redfish.ActionInfo": actionInfo };
  return { "ResetType@Redfish.AllowableValues": resets };
}

function resetActionInfo({ resets = usualResets }: SystemOptions): Json {
  const parameter = { Name: "ResetType", Required: true, DataType: "String", AllowableValues: resets };
  return { "@odata.id": actionInfo, "@odata.type": "#ActionInfo.v1_1_2.ActionInfo", Id: "Reset", Name: "Reset", Parameters: [parameter] };
}

function reset(body: unknown, { computer, faults, resets = usualResets }: SystemOptions): RedfishReply {
  if (!isObject(body)) return malformed();
  const type = body["ResetType"];
  if (typeof type !== "string") return refuse(400, "ActionParameterMissing", "The action Reset requires the parameter ResetType.");
  if (!resets.includes(type)) {
    return refuse(
      400,
      "ActionParameterValueNotInList",
      `The value ${type} for the parameter ResetType is not in the list of acceptable values.`,
    );
  }
  switch (computer.reset(type)) {
    case "off":
      return refuse(409, "ResourceInStandby", "The request could not be performed because the resource is in standby.");
    case "changing":
      return refuse(409, "ResourceInUse", "The change to the requested resource failed because the resource is in use or in transition.");
    case "already":
      return refuse(409, "PSU501", `The machine is already powered ${computer.on ? "on" : "off"}.`);
    case undefined:
      return faults.has("answers-with-task") ? taskAccepted() : { status: 204 };
  }
}

function taskAccepted(): RedfishReply {
  const path = "/redfish/v1/TaskService/Tasks/1";
  const task = { "@odata.id": path, "@odata.type": "#Task.v1_4_3.Task", Id: "1", Name: "Reset", TaskState: "Running" };
  return { status: 202, headers: { location: path, "retry-after": "1" }, body: task };
}

const changes = z.strictObject({
  AssetTag: z.string().optional(),
  IndicatorLED: z.enum(["Off", "Lit", "Blinking"]).optional(),
  LocationIndicatorActive: z.boolean().optional(),
  Boot: z
    .strictObject({
      BootSourceOverrideEnabled: z.enum(["Disabled", "Once", "Continuous"]).optional(),
      BootSourceOverrideTarget: z.enum(bootTargets).optional(),
      BootSourceOverrideMode: z.enum(["UEFI", "Legacy"]).optional(),
    })
    .optional(),
});

function patchSystem(body: unknown, options: SystemOptions): RedfishReply {
  const { computer, faults } = options;
  if (!isObject(body)) return malformed();
  if (faults.has("bare")) return notAllowed("PATCH", ["GET"]);
  const parsed = changes.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const id = issue?.code === "unrecognized_keys" ? "PropertyUnknown" : "PropertyValueNotInList";
    return refuse(400, id, `The property ${issue?.path.join("/") || "of this name"} cannot be set so: ${issue?.message}.`);
  }
  const { AssetTag: tag, IndicatorLED: led, LocationIndicatorActive: active, Boot: boot = {} } = parsed.data;
  const { boot: set } = computer;
  computer.assetTag = tag ?? computer.assetTag;
  computer.light = led ?? (active === undefined ? computer.light : active ? "Blinking" : "Off");
  set.enabled = boot.BootSourceOverrideEnabled ?? set.enabled;
  set.mode = boot.BootSourceOverrideMode ?? set.mode;
  set.target = set.enabled === "Disabled" ? "None" : (boot.BootSourceOverrideTarget ?? set.target);
  return { status: 200, body: system(options) };
}

function logRoutes({ computer, faults }: SystemOptions): Record<string, Route | undefined> {
  if (faults.has("bare")) return {};
  const path = ({ id }: { id: number }) => `${log}/Entries/${id}`;
  const entries = computer.log.map((entry) => ({
    "@odata.id": path(entry),
    "@odata.type": "#LogEntry.v1_8_0.LogEntry",
    Id: String(entry.id),
    Name: "Log entry",
    EntryType: "SEL",
    Severity: "OK",
    Created: new Date(entry.timeMs).toISOString(),
    SensorType: "System Event",
    EntryCode: "Assert",
    Message: entry.message,
  }));
  const members = faults.has("linked-entries") ? computer.log.map((entry) => link(path(entry))) : [...entries].reverse();
  return {
    [`${systemOne}/LogServices`]: {
      get: () => collection(`${systemOne}/LogServices`, "LogServiceCollection.LogServiceCollection", "Log services", [log]),
    },
    [log]: {
      get: () => ({
        "@odata.id": log,
        "@odata.type": "#LogService.v1_2_0.LogService",
        Id: "SEL",
        Name: "System event log",
        LogEntryType: "SEL",
        MaxNumberOfRecords: maxLogEntries,
        OverWritePolicy: "WrapsWhenFull",
        Entries: link(`${log}/Entries`),
      }),
    },
    [`${log}/Entries`]: {
      get: () => ({
        ...collection(`${log}/Entries`, "LogEntryCollection.LogEntryCollection", "Log entries", []),
        Members: members,
        "Members@odata.count": members.length,
      }),
    },
    ...Object.fromEntries(entries.map((entry) => [entry["@odata.id"], { get: () => entry }])),
  };
}
