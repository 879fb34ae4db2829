/** Quantities as people say them. Pure. */

/** 3.1 s · 4:51 · 2 h 5 min · 3 d. */
export function duration(ms: number): string {
  const s = ms / 1000;
  if (s < 59.95) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  if (whole < 3600) return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  if (whole < 48 * 3600) return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
  return `${Math.round(whole / 86_400)} d`;
}

/** A deadline or an estimate: 45 s · 3 min · 2 h. */
export function roughly(ms: number): string {
  if (ms < 100_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 90 * 60_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

/** Powers of ten: 812 B · 41 kB · 2.1 MB. */
export function size(bytes: number | bigint): string {
  let rest = Number(bytes);
  for (const unit of ["B", "kB", "MB", "GB", "TB"]) {
    if (rest < 1000 || unit === "TB") return `${rest < 10 && unit !== "B" ? rest.toFixed(1) : Math.round(rest)} ${unit}`;
    rest /= 1000;
  }
  return "";
}

/** 1204331 → "1,204,331". */
export function grouped(count: number | bigint): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Local wall time with milliseconds: 03:13:20.114. */
export function timeOfDay(ms: number): string {
  const at = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** Local wall time to the minute: 18:00. */
export function clockTime(ms: number): string {
  return timeOfDay(ms).slice(0, 5);
}

/** Local date and time with zone, for records: 2026-11-21 03:12:05 +01:00. */
export function recordTime(ms: number): string {
  const at = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  const zone = -at.getTimezoneOffset();
  const offset = `${zone < 0 ? "-" : "+"}${two(Math.floor(Math.abs(zone) / 60))}:${two(Math.abs(zone) % 60)}`;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${timeOfDay(ms).slice(0, 8)} ${offset}`;
}

/** "-2m", "10m", "90s", "1h", "yesterday" or an ISO time → ms since the Unix epoch; undefined when it is none of these. */
export function parseSince(text: string, nowMs: number): number | undefined {
  const ago = /^-?(\d+(?:\.\d+)?)\s*(s|m|min|h|d)$/.exec(text);
  if (ago !== null) {
    const unitMs = { s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }[ago[2] ?? "s"] ?? 1000;
    return nowMs - Number(ago[1]) * unitMs;
  }
  if (text === "yesterday") return nowMs - 86_400_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}
