/** Reading resources whose properties may be absent, null or of another type than the schema says. Pure. */

export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function objectIn(json: Json | undefined, key: string): Json | undefined {
  const value = json?.[key];
  return isObject(value) ? value : undefined;
}

/** "" when it is not there. */
export function textIn(json: Json | undefined, key: string): string {
  const value = json?.[key];
  return typeof value === "string" ? printable(value) : "";
}

export function numberIn(json: Json | undefined, key: string): number | undefined {
  const value = json?.[key];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The objects in an array. */
export function objectsIn(json: Json | undefined, key: string): readonly Json[] {
  const value = json?.[key];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The texts in an array; undefined when there is no array. */
export function textsIn(json: Json | undefined, key: string): readonly string[] | undefined {
  const value = json?.[key];
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : undefined;
}

/** Path of what a property refers to by @odata.id. */
export function linkIn(json: Json | undefined, key: string): string | undefined {
  return pathOf(textIn(objectIn(json, key), "@odata.id"));
}

/** Paths an array of a resource refers to by @odata.id, in its order; `json` is what the resource holds, of whatever type. */
export function membersIn(json: unknown, key: string): readonly string[] {
  return isObject(json) ? objectsIn(json, key).flatMap((each) => pathOf(textIn(each, "@odata.id")) ?? []) : [];
}

/** Paths of the members of a collection. */
export function membersOf(collection: Json): readonly string[] {
  return membersIn(collection, "Members");
}

/** The path of a link, which may be a whole URL: requests go to the service itself, wherever it points. Undefined for what is none. */
export function pathOf(link: string): string | undefined {
  if (!/^(\/|https?:\/\/)/.test(link)) return undefined;
  try {
    const { pathname, search } = new URL(link, "http://service");
    return `${pathname}${search}`;
  } catch {
    return undefined;
  }
}

/** What a device says goes into messages and on terminals. */
function printable(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ");
}
