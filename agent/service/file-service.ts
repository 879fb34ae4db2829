import type { FileInfo } from "../ports/files.js";
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type { FileInfo as FileInfoMessage, FileServiceService, WriteHeader, WriteRequest } from "../../proto/gen/lab/v1/file.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { OperatedNodes } from "./acting.js";

/** Files of the nodes this agent speaks for. */
export function fileService(nodes: OperatedNodes): Implementation<typeof FileServiceService> {
  return {
    async stat({ node, path, wantSha256 }) {
      return infoMessage(await nodes.get(node).files.stat(path, { wantSha256 }));
    },
    async *read({ node, path, offset, limit }) {
      const { files } = nodes.get(node);
      const range = { offset: Number(offset), ...(limit === 0n ? {} : { limit: Number(limit) }) };
      for await (const data of files.read(path, range)) yield { data: Buffer.from(data) };
    },
    async write(requests) {
      const messages = requests[Symbol.asyncIterator]();
      const header = await readHeader(messages);
      const { files } = await nodes.forActing(header);
      const { path, mode, sha256, inPlace } = header;
      return infoMessage(await files.write(path, contentsOf(messages), { sha256, inPlace, ...(mode === 0 ? {} : { mode }) }));
    },
    async remove(request) {
      const { files } = await nodes.forActing(request);
      return { removed: await files.remove(request.path, { recursive: request.recursive }) };
    },
    async list({ node, path }) {
      return { names: [...(await nodes.get(node).files.list(path))] };
    },
  };
}

async function readHeader(messages: AsyncIterator<WriteRequest>): Promise<WriteHeader> {
  const first = await messages.next();
  const request = first.done === true ? undefined : first.value.request;
  if (request?.$case === "header") return request.value;
  throw new InvalidArgumentError("FileService.Write: the first message must be the header");
}

async function* contentsOf(messages: AsyncIterator<WriteRequest>): AsyncGenerator<Uint8Array> {
  for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
    if (next.value.request?.$case !== "data")
      throw new InvalidArgumentError("FileService.Write: after the header come bytes, nothing else");
    yield next.value.request.value;
  }
}

function infoMessage(info: FileInfo | undefined): FileInfoMessage {
  if (info === undefined) return { exists: false, kind: "", sizeBytes: 0n, mode: 0, modifiedMs: 0n, sha256: "" };
  const { kind, sizeBytes, mode, modifiedMs, sha256 = "" } = info;
  return { exists: true, kind, sizeBytes: BigInt(sizeBytes), mode, modifiedMs: BigInt(modifiedMs), sha256 };
}
