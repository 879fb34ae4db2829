/** /redfish/v1/SessionService: logging in and out. */
import type { RedfishFaults } from "./faults.js";
import { malformed, refuse, type RedfishReply } from "./message.js";
import { collection, isObject, type Json, link, type Routes } from "./route.js";
import type { RedfishSession, RedfishSessions } from "./sessions.js";

const service = "/redfish/v1/SessionService";
export const sessionsPath = `${service}/Sessions`;

export interface SessionResourceOptions {
  readonly sessions: RedfishSessions;
  readonly faults: RedfishFaults;
  /** True when these are the user's own name and password. */
  readonly login: (given: Json) => boolean;
}

export function sessionRoutes(options: SessionResourceOptions): Routes {
  const { sessions, faults } = options;
  const list = sessions.list();
  const get = () => collection(sessionsPath, "SessionCollection.SessionCollection", "Sessions", list.map(pathOf));
  return {
    [service]: {
      get: () => ({
        "@odata.id": service,
        "@odata.type": "#SessionService.v1_1_8.SessionService",
        Id: "SessionService",
        Name: "Session service",
        ServiceEnabled: true,
        SessionTimeout: Math.round(sessions.timeoutMs / 1000),
        Sessions: link(sessionsPath),
      }),
    },
    [sessionsPath]: faults.has("sessions-refused") ? { get } : { get, post: (body) => open(body, options) },
    ...Object.fromEntries(
      list.map((each) => [pathOf(each), { get: () => session(each), delete: () => ({ status: sessions.close(each.id) ? 204 : 404 }) }]),
    ),
  };
}

function open(body: unknown, { sessions, faults, login }: SessionResourceOptions): RedfishReply {
  if (!isObject(body)) return malformed();
  if (!login(body)) {
    const told = faults.has("echoes-password") ? `${String(body["UserName"])} with the password ${String(body["Password"])}` : "the user";
    return refuse(401, "UnauthorizedLoginAttempt", `There was an attempt to log in by ${told}, which was denied.`);
  }
  const opened = faults.has("session-limit") ? undefined : sessions.open(String(body["UserName"]));
  if (opened === undefined) {
    const message =
      "The session establishment failed due to the number of simultaneous sessions exceeding the limit of the implementation.";
    return refuse(503, "SessionLimitExceeded", message);
  }
  return { status: 201, headers: { "x-auth-token": opened.token, location: pathOf(opened) }, body: session(opened) };
}

function pathOf({ id }: RedfishSession): string {
  return `${sessionsPath}/${id}`;
}

function session(each: RedfishSession): Json {
  return { "@odata.id": pathOf(each), "@odata.type": "#Session.v1_3_0.Session", Id: each.id, Name: "Session", UserName: each.user };
}
