/** Resources by path, and what may be done to each. */
import type { RedfishReply } from "./message.js";

export type Json = Readonly<Record<string, unknown>>;

export interface Route {
  readonly get?: () => Json;
  readonly patch?: (body: unknown) => RedfishReply;
  readonly post?: (body: unknown) => RedfishReply;
  readonly delete?: () => RedfishReply;
}

export type Routes = Readonly<Record<string, Route>>;

/** Those that are there. */
export function routesOf(routes: Readonly<Record<string, Route | undefined>>): Routes {
  return Object.fromEntries(Object.entries(routes).filter((each): each is [string, Route] => each[1] !== undefined));
}

export function link(path: string): Json {
  return { "@odata.id": path };
}

/** `type`: "ComputerSystemCollection.ComputerSystemCollection". */
export function collection(path: string, type: string, name: string, members: readonly string[]): Json {
  return {
    "@odata.id": path,
    "@odata.type": `#${type}`,
    Name: name,
    "Members@odata.count": members.length,
    Members: members.map(link),
  };
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
