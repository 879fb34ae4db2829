/** The daemons' logger: pino, one line of JSON per state change an operator wants to know. Secrets are redacted by key. */
import { destination, pino, stdSerializers, type Logger } from "pino";

export type { Logger } from "pino";

const secretKeys = ["password", "secret", "token", "joinToken", "kg", "key", "keyPem", "privateKey", "authorization"];

export const logLevels = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];

/** A root logger. `name` is the daemon; `file` undefined = standard error. Writes synchronously: a crash loses no line. */
export function createLogger(options: { name: string; level: LogLevel; file?: string | undefined }): Logger {
  return pino(
    {
      name: options.name,
      level: options.level,
      redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: "[redacted]" },
      serializers: { err: stdSerializers.err },
    },
    destination({ dest: options.file ?? 2, sync: true, mkdir: true }),
  );
}

export const silentLogger: Logger = pino({ level: "silent" });
