/** What ssh2 and the network say when a connection does not come about → one of our errors, with what to do about it. */
import { AuthenticationError, describeError, LabError, UnreachableError, UnsupportedError } from "../../../proto/base/errors.js";

/** `keys`: fingerprints of the keys that were tried. */
export function connectionFailure(label: string, thrown: unknown, keys: readonly string[]): LabError {
  if (thrown instanceof LabError) return thrown;
  const { code, level, message } = described(thrown);
  const details = { cause: thrown, facts: { errno: code } };
  if (level === "client-authentication") {
    return new AuthenticationError(
      `${label}: log in: none of the keys is accepted (${keys.join(", ")}); add one's public half to ~/.ssh/authorized_keys there, which only its user may write`,
      details,
    );
  }
  if (/no matching/i.test(message)) return new UnsupportedError(`${label}: the two ends have no algorithm in common: ${message}`, details);
  return new UnreachableError(`${label}: connect: ${causeOf(code, level, message)}`, details);
}

function causeOf(code: string, level: string, message: string): string {
  if (code === "ECONNREFUSED") return "connection refused: nothing listens there; check that the machine is up and its ssh server runs";
  if (code === "ETIMEDOUT" || level === "client-timeout") return "no answer in time; check power, cable, address and firewalls";
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH") return `there is no way to that address (${code}); check power, cable and routes`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return `the name has no address (${code}); check it, or the connecting machine's resolver`;
  if (code === "ECONNRESET") return "the other end hung up; is it an ssh server, and may this machine connect?";
  return message === "" ? "the other end hung up" : message;
}

function described(thrown: unknown): { code: string; level: string; message: string } {
  const text = (key: "code" | "level") => {
    const value: unknown = typeof thrown === "object" && thrown !== null && key in thrown ? (thrown as Record<string, unknown>)[key] : "";
    return typeof value === "string" ? value : "";
  };
  return { code: text("code"), level: text("level"), message: describeError(thrown) };
}
