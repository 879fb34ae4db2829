/** What a tool on another machine complains of → one of our errors. All of them print the C library's words for an errno. Pure. */
import {
  ConflictError,
  ExhaustedError,
  FailedError,
  InvalidArgumentError,
  NotFoundError,
  PermissionError,
  UnsupportedError,
  type LabError,
} from "../../../proto/base/errors.js";

/** The error to throw after `action` ("write", "read"…) on `path`, from what was printed on standard error. */
export function remoteFileError(action: string, path: string, stderr: string, code: number): LabError {
  const details = { facts: { path } };
  const said = (pattern: RegExp) => pattern.test(stderr);
  if (said(/No such file|nonexistent directory/i))
    return new NotFoundError(`${path}: ${action}: there is no such file or directory`, details);
  if (said(/Permission denied|Operation not permitted|Read-only file system/i)) {
    return new PermissionError(`${path}: ${action}: not allowed to the user of the ssh login: ${lastLine(stderr)}`, details);
  }
  if (said(/No space left|quota exceeded/i))
    return new ExhaustedError(`${path}: ${action}: the disk is full; free some space and retry`, details);
  if (
    said(
      /Is a directory|Not a directory|Too many (levels of )?symbolic links|Symbolic link loop|File ?name too long|Invalid argument|write to it in place/i,
    )
  ) {
    return new InvalidArgumentError(`${path}: ${action}: not possible with what this path names: ${lastLine(stderr)}`, details);
  }
  if (said(/not empty|File exists|busy/i))
    return new ConflictError(`${path}: ${action}: in use or not empty: ${lastLine(stderr)}`, details);
  if (code === 127 || said(/not found$/m))
    return new UnsupportedError(`${path}: ${action}: the machine lacks a tool for it: ${lastLine(stderr)}`, details);
  return new FailedError(`${path}: ${action}: ${lastLine(stderr) || `exit code ${code}`}`, details);
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
