/** Files of a node, through its agent. */
import { createHash } from "node:crypto";
import { ExhaustedError, InternalError } from "../../proto/base/errors.js";
import type { FileInfo as WireFileInfo, WriteRequest } from "../../proto/gen/lab/v1/file.js";
import type { FileInfo, NodeHandle } from "../ports.js";
import type { AgentConnection } from "./agent-connection.js";

const defaultLimitBytes = 4 * 1024 * 1024;
/** Well below gRPC's limit of 4 MiB per message. */
const chunkBytes = 64 * 1024;

type Reach = (options?: { signal?: AbortSignal | undefined }) => Promise<AgentConnection>;

export function remoteFiles(node: string, reach: Reach): NodeHandle["files"] {
  return {
    async stat(path, options) {
      const { file } = await reach(options);
      const info = await file.stat({ node, path, wantSha256: options?.wantSha256 ?? false }, { signal: options?.signal });
      return info.exists ? fileInfo(info) : undefined;
    },
    async read(path, options) {
      const limitBytes = options?.limitBytes ?? defaultLimitBytes;
      const { file } = await reach(options);
      const chunks: Uint8Array[] = [];
      let size = 0;
      // One byte more than allowed shows that there is more.
      const request = { node, path, offset: 0n, limit: BigInt(limitBytes) + 1n };
      for await (const { data } of file.read(request, { signal: options?.signal })) {
        size += data.length;
        if (size > limitBytes)
          throw new ExhaustedError(`node ${node}: ${path} is larger than ${limitBytes} bytes`, { facts: { node, path } });
        chunks.push(data);
      }
      return Buffer.concat(chunks);
    },
    async write(path, contents, { fence, mode = 0, inPlace = false, signal }) {
      const { file } = await reach({ signal });
      const sha256 = createHash("sha256").update(contents).digest("hex");
      const header = { node, path, mode, sha256, inPlace, fence };
      return fileInfo(await file.write(writeRequests(header, contents), { signal }));
    },
    async remove(path, { fence, recursive = false, signal }) {
      const { file } = await reach({ signal });
      return (await file.remove({ node, path, recursive, fence }, { signal })).removed;
    },
  };
}

type WriteHeader = Extract<WriteRequest["request"], { $case: "header" }>["value"];

async function* writeRequests(header: WriteHeader, contents: Uint8Array): AsyncGenerator<WriteRequest> {
  yield { request: { $case: "header", value: header } };
  for (let at = 0; at < contents.length; at += chunkBytes) {
    yield { request: { $case: "data", value: Buffer.from(contents.subarray(at, at + chunkBytes)) } };
  }
}

const kinds: readonly FileInfo["kind"][] = ["file", "directory", "link", "device", "other"];

function fileInfo(info: WireFileInfo): FileInfo {
  const kind = kinds.find((each) => each === info.kind);
  if (kind === undefined) throw new InternalError(`the agent calls a file "${info.kind}"`);
  return {
    kind,
    sizeBytes: Number(info.sizeBytes),
    mode: info.mode,
    modifiedMs: Number(info.modifiedMs),
    sha256: info.sha256 === "" ? undefined : info.sha256,
  };
}
