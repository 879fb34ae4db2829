/**
 * One class per decision a caller can take. `code` is stable: it crosses the wire and decides the exit code of `lab`.
 * A message says object, action, reason and next step, and never holds a secret.
 */

export const errorCodes = [
  "invalid-argument",
  "invalid-inventory",
  "not-found",
  "conflict",
  "unreachable",
  "authentication",
  "permission",
  "deadline",
  "cancelled",
  "unsupported",
  "exhausted",
  "failed",
  "internal",
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/** Facts about an error as flat fields: node, console, command… Printed with the message, searchable in logs. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ErrorDetails {
  readonly facts?: ErrorFacts;
  readonly cause?: unknown;
}

export abstract class LabError extends Error {
  abstract readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.facts = details.facts ?? {};
  }
}

/** The caller asked for something that can never work: fix the request. */
export class InvalidArgumentError extends LabError {
  readonly code = "invalid-argument";
}

/** The inventory has problems; all of them are in the message, one per line. */
export class InvalidInventoryError extends LabError {
  readonly code = "invalid-inventory";
}

/** The named thing does not exist: check the name. */
export class NotFoundError extends LabError {
  readonly code = "not-found";
}

/** Somebody or something else holds it (lease, console writer, expected version): wait, ask, or steal. */
export class ConflictError extends LabError {
  readonly code = "conflict";
}

/** The other end does not answer: check power, cable, address; retrying later may help. */
export class UnreachableError extends LabError {
  readonly code = "unreachable";
}

/** The other end answered and refused who we are: retrying does not help, the credential must change. */
export class AuthenticationError extends LabError {
  readonly code = "authentication";
}

/** Known, but not allowed to do this. */
export class PermissionError extends LabError {
  readonly code = "permission";
}

/** The device or peer cannot do this at all: choose another way. */
export class UnsupportedError extends LabError {
  readonly code = "unsupported";
}

/** A resource is used up (disk, session slots, queue): free some and retry. */
export class ExhaustedError extends LabError {
  readonly code = "exhausted";
}

/** It was tried and it did not work; the message says what was seen. */
export class FailedError extends LabError {
  readonly code = "failed";
}

/** A defect of ours. */
export class InternalError extends LabError {
  readonly code = "internal";
}

/** A wait ended without what was awaited. */
export class DeadlineError extends LabError {
  readonly code = "deadline";
  readonly awaited: string;
  readonly waitedMs: number;
  readonly lastSeen: string | undefined;

  constructor(wait: { subject: string; awaited: string; waitedMs: number; lastSeen?: string | undefined }, details: ErrorDetails = {}) {
    const seen = wait.lastSeen === undefined ? "nothing was seen" : `last seen: ${wait.lastSeen}`;
    super(`${wait.subject}: waited ${(wait.waitedMs / 1000).toFixed(1)} s for ${wait.awaited}; ${seen}`, details);
    this.awaited = wait.awaited;
    this.waitedMs = wait.waitedMs;
    this.lastSeen = wait.lastSeen;
  }
}

/** The caller (or its deadline) asked to stop. */
export class CancelledError extends LabError {
  readonly code = "cancelled";

  /** The error an aborted signal stands for: its own reason when that is one of ours, else a CancelledError. */
  static from(signal: AbortSignal | undefined): LabError {
    const reason: unknown = signal?.reason;
    if (reason instanceof LabError) return reason;
    return new CancelledError("cancelled by the caller", reason === undefined ? {} : { cause: reason });
  }
}

/** Rebuilds an error that crossed a wire as code and message. An unknown code becomes InternalError. */
export function errorFromCode(code: string, message: string, details: ErrorDetails = {}): LabError {
  switch (code) {
    case "invalid-argument":
      return new InvalidArgumentError(message, details);
    case "invalid-inventory":
      return new InvalidInventoryError(message, details);
    case "not-found":
      return new NotFoundError(message, details);
    case "conflict":
      return new ConflictError(message, details);
    case "unreachable":
      return new UnreachableError(message, details);
    case "authentication":
      return new AuthenticationError(message, details);
    case "permission":
      return new PermissionError(message, details);
    case "deadline":
      return new RemoteDeadlineError(message, details);
    case "cancelled":
      return new CancelledError(message, details);
    case "unsupported":
      return new UnsupportedError(message, details);
    case "exhausted":
      return new ExhaustedError(message, details);
    case "failed":
      return new FailedError(message, details);
    default:
      return new InternalError(message, details);
  }
}

/** A DeadlineError told by a peer: only its sentence is known here. */
export class RemoteDeadlineError extends LabError {
  readonly code = "deadline";
}

/** The message of anything thrown, with the messages of its causes, on one line. */
export function describeError(thrown: unknown): string {
  const parts: string[] = [];
  for (let error: unknown = thrown; error !== undefined && parts.length < 5; error = error instanceof Error ? error.cause : undefined) {
    const text = error instanceof Error ? error.message : typeof error === "string" ? error : (JSON.stringify(error) ?? "unknown error");
    if (text !== "" && parts[parts.length - 1] !== text) parts.push(text);
  }
  return parts.join(": ");
}
