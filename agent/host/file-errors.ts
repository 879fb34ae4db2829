/** An operating system's error → one of ours, with what to do about it. */
import {
  ConflictError,
  ExhaustedError,
  FailedError,
  InvalidArgumentError,
  LabError,
  NotFoundError,
  PermissionError,
} from "../../proto/base/errors.js";
import { diskUsage } from "./facts/disk-usage.js";

/** "ENOENT" and the like; "" for anything the operating system did not say. */
export function errnoOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";
}

/**
 * The error to throw for `thrown` after `action` ("write", "read"…) on `path`, the machine's own name for it; `hostPath` is where
 * free space is measured when the disk is full. Errors of ours pass unchanged.
 */
export async function fileError(action: string, path: string, hostPath: string, thrown: unknown): Promise<LabError> {
  if (thrown instanceof LabError) return thrown;
  const errno = errnoOf(thrown);
  const details = { facts: { path, errno }, cause: thrown };
  switch (errno) {
    case "ENOENT":
      return new NotFoundError(`${path}: ${action}: there is no such file or directory`, details);
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new PermissionError(`${path}: ${action}: not allowed (${errno}); check owner, mode and mount options`, details);
    case "ENOSPC":
    case "EDQUOT":
      return new ExhaustedError(
        `${path}: ${action}: the disk is full, ${await describeFree(hostPath)}; free some space and retry`,
        details,
      );
    case "EISDIR":
    case "ENOTDIR":
    case "ELOOP":
    case "ENAMETOOLONG":
    case "EINVAL":
      return new InvalidArgumentError(`${path}: ${action}: not possible with what this path names (${errno})`, details);
    case "ENOTEMPTY":
    case "EEXIST":
    case "EBUSY":
      return new ConflictError(`${path}: ${action}: in use or not empty (${errno})`, details);
    default:
      return new FailedError(`${path}: ${action}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, details);
  }
}

async function describeFree(hostPath: string): Promise<string> {
  const usage = await diskUsage([hostPath]).catch(() => []);
  const free = usage[0]?.freeBytes;
  return free === undefined ? "free space unknown" : `${free} bytes free`;
}
