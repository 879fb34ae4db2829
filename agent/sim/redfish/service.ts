/** A Redfish service (DSP0266), without its socket: a request in, a reply out. One user, who may do everything. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../../proto/base/clock.js";
import { chassisRoutes } from "./chassis-resource.js";
import { Computer, type RedfishChassis } from "./computer.js";
import type { RedfishFaults } from "./faults.js";
import { malformed, notAllowed, notFound, refuse, type RedfishReply, type RedfishRequest } from "./message.js";
import { type Json, link, type Route, type Routes } from "./route.js";
import { sessionRoutes, sessionsPath } from "./session-resource.js";
import { RedfishSessions } from "./sessions.js";
import { systemRoutes, systems } from "./system-resource.js";

export interface RedfishServiceOptions {
  readonly name: string;
  readonly user: string;
  readonly password: string;
  /** Default 8. */
  readonly sessionSlots?: number | undefined;
  /** Default half an hour. */
  readonly sessionTimeoutMs?: number | undefined;
  readonly uuid: string;
  /** ResetTypes the system has; default: all that make sense. */
  readonly resets?: readonly string[] | undefined;
  readonly chassis: RedfishChassis;
  readonly faults: RedfishFaults;
  readonly clock: Clock;
}

const root = "/redfish/v1";
/** Read by anybody: DSP0266, "Authentication requirements". */
const open: ReadonlySet<string> = new Set(["/redfish", root, `${root}/odata`, `${root}/$metadata`]);

export class SimulatedRedfish {
  readonly computer: Computer;
  readonly sessions: RedfishSessions;
  readonly #options: RedfishServiceOptions;

  constructor(options: RedfishServiceOptions) {
    const { chassis, clock, faults, sessionSlots: capacity = 8, sessionTimeoutMs: timeoutMs = 1_800_000 } = options;
    this.#options = options;
    this.computer = new Computer({ chassis, clock, faults });
    this.sessions = new RedfishSessions({ capacity, timeoutMs, clock });
  }

  /** Never throws for what is in a request. */
  answer(request: RedfishRequest): RedfishReply {
    const { faults } = this.#options;
    if (faults.strikes("redirects")) return { status: 302, headers: { location: "https://elsewhere.invalid/redfish/v1/" } };
    if (faults.strikes("busy")) {
      const busy = "The service is temporarily unavailable. Retry in 5 seconds.";
      return refuse(503, "ServiceTemporarilyUnavailable", busy, { "retry-after": "5" });
    }
    if (faults.strikes("token-expired")) this.sessions.closeAll();
    const isLogin = request.method === "POST" && request.path === sessionsPath;
    if (!open.has(request.path) && !isLogin && !this.#isAuthenticated(request)) {
      const message = "There is no valid session established with the implementation.";
      return refuse(401, "NoValidSession", message, { "www-authenticate": 'Basic realm="Redfish"' });
    }
    if (request.path === `${root}/$metadata`) return { status: 200, headers: { "content-type": "application/xml" }, body: metadata };
    const route = this.#routes()[request.path];
    return route === undefined ? notFound(request.path) : this.#perform(route, request);
  }

  #perform(route: Route, { method, headers, body }: RedfishRequest): RedfishReply {
    const allow = Object.keys(route).map((each) => each.toUpperCase());
    switch (method) {
      case "HEAD":
      case "GET": {
        if (route.get === undefined) return notAllowed(method, allow);
        const json = route.get();
        return { status: 200, headers: { etag: etagOf(json) }, body: json };
      }
      case "PATCH": {
        if (route.patch === undefined) return notAllowed(method, allow);
        const match = headers["if-match"];
        if (route.get !== undefined && typeof match === "string" && !this.#matches(match, etagOf(route.get()))) {
          return refuse(412, "PreconditionFailed", "The ETag supplied did not match the ETag required to change this resource.");
        }
        return body === undefined ? malformed() : route.patch(body);
      }
      case "POST":
        return route.post === undefined ? notAllowed(method, allow) : route.post(body);
      case "DELETE":
        return route.delete === undefined ? notAllowed(method, allow) : route.delete();
      default:
        return notAllowed(method, allow);
    }
  }

  #matches(given: string, etag: string): boolean {
    const strong = etag.slice(2);
    return given === strong || given === "*" || (given === etag && !this.#options.faults.has("strict-etag"));
  }

  #isAuthenticated({ headers }: RedfishRequest): boolean {
    const token = headers["x-auth-token"];
    if (typeof token === "string") return this.sessions.use(token) !== undefined;
    const [, encoded] = /^Basic (.+)$/.exec(typeof headers["authorization"] === "string" ? headers["authorization"] : "") ?? [];
    if (encoded === undefined) return false;
    const { user, password } = this.#options;
    return equal(Buffer.from(encoded, "base64").toString(), `${user}:${password}`);
  }

  #routes(): Routes {
    const { name, uuid, user, password, faults, resets } = this.#options;
    const login = (given: Json) => equal(`${String(given["UserName"])}\0${String(given["Password"])}`, `${user}\0${password}`);
    return {
      "/redfish": { get: () => ({ v1: `${root}/` }) },
      [root]: { get: () => this.#root() },
      [`${root}/odata`]: { get: () => serviceDocument(Object.keys(this.#root())) },
      ...systemRoutes({ name, uuid, computer: this.computer, faults, resets }),
      ...(faults.has("bare") ? {} : chassisRoutes(this.computer)),
      ...(faults.has("only-basic") ? {} : sessionRoutes({ sessions: this.sessions, faults, login })),
    };
  }

  #root(): Json {
    const { uuid, faults } = this.#options;
    const isBare = faults.has("bare");
    const hasSessions = !faults.has("only-basic");
    return {
      "@odata.id": `${root}/`,
      "@odata.type": "#ServiceRoot.v1_9_0.ServiceRoot",
      Id: "RootService",
      Name: "Root service",
      RedfishVersion: "1.11.0",
      UUID: uuid,
      Vendor: "labd",
      Systems: link(systems),
      ...(isBare ? {} : { Chassis: link(`${root}/Chassis`), Managers: link(`${root}/Managers`) }),
      ...(hasSessions ? { SessionService: link(`${root}/SessionService`), Links: { Sessions: link(sessionsPath) } } : { Links: {} }),
    };
  }
}

function etagOf(json: Json): string {
  return `W/"${createHash("sha256").update(JSON.stringify(json)).digest("hex").slice(0, 16)}"`;
}

function serviceDocument(names: readonly string[]): Json {
  const kinds = ["Systems", "Chassis", "Managers", "SessionService"].filter((each) => names.includes(each));
  const value = kinds.map((name) => ({ name, kind: "Singleton", url: `${root}/${name}` }));
  return { "@odata.context": `${root}/$metadata`, value };
}

const metadata = `<?xml version="1.0" encoding="UTF-8"?>
<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0">
  <edmx:DataServices>
    <Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="Service">
      <EntityContainer Name="Service" Extends="ServiceRoot.v1_9_0.ServiceContainer"/>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>
`;

function equal(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
