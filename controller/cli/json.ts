/** `--json`: the same facts, one object a line. */

/** Numbers beyond 2^53 become strings; bytes become base64. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each === "bigint") return each <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(each) : String(each);
    if (each instanceof Uint8Array) return Buffer.from(each).toString("base64");
    if (typeof each === "object" && each !== null && "type" in each && each.type === "Buffer" && "data" in each) {
      return Buffer.from(each.data as number[]).toString("base64");
    }
    return each;
  });
}
