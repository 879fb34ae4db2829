/** The unix socket stand-in tools ask: one JSON line with a ToolRequest in, one JSON line with a ToolReply out, then the end. */
import { InvalidArgumentError, describeError } from "../../../proto/base/errors.js";
import type { ToolReply, ToolRequest } from "../kernel.js";
import { type LineSocket, listenForLines } from "../line-socket.js";

/** Listens at `path`, which must be short. Throws InvalidArgumentError, and what listening throws. */
export function listenForTools(path: string, answer: (request: ToolRequest) => Promise<ToolReply>): Promise<LineSocket> {
  return listenForLines(path, async (line): Promise<ToolReply> => {
    try {
      return await answer(parseToolRequest(JSON.parse(line)));
    } catch (error) {
      return { exitCode: 126, stderr: `machine: ${describeError(error)}\n` };
    }
  });
}

function parseToolRequest(value: unknown): ToolRequest {
  if (typeof value === "object" && value !== null && "op" in value && "argv" in value && "cwd" in value) {
    const { op, argv, cwd } = value;
    const words: unknown[] | undefined = Array.isArray(argv) ? argv : undefined;
    if (typeof op === "string" && typeof cwd === "string" && words?.every((word): word is string => typeof word === "string") === true) {
      return { op, argv: words, cwd };
    }
  }
  throw new InvalidArgumentError('a request is one line: {"op":"dmesg","argv":[],"cwd":"/"}');
}
