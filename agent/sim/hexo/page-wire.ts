/** Post-copy on the wire: a request names a page of a region, the answer is the page. One client, no authentication, no retry. Pure. */
import type { RegionName } from "./guest.js";
import { remoteRegions } from "./checkpoint-files.js";

export const pageBytes = 4096;
/** Region (1 byte, place in remoteRegions), page number (4 bytes, big endian). */
export const requestBytes = 5;

export interface PageRequest {
  readonly region: RegionName;
  readonly page: number;
}

export function encodeRequest({ region, page }: PageRequest): Uint8Array {
  const bytes = Buffer.alloc(requestBytes);
  bytes.writeUInt8((remoteRegions as readonly string[]).indexOf(region), 0);
  bytes.writeUInt32BE(page, 1);
  return bytes;
}

/** Undefined for a region there is not. */
export function decodeRequest(bytes: Buffer): PageRequest | undefined {
  const region = remoteRegions[bytes.readUInt8(0)];
  return region === undefined ? undefined : { region, page: bytes.readUInt32BE(1) };
}

/** Every page of the regions that stay with the source. */
export function remotePages(sizes: Readonly<Record<RegionName, Uint8Array>>): readonly PageRequest[] {
  return remoteRegions.flatMap((region) =>
    Array.from({ length: Math.ceil(sizes[region].byteLength / pageBytes) }, (_, page) => ({ region, page })),
  );
}

/** A page with its end filled up. */
export function pageOf(memory: Uint8Array, page: number): Uint8Array {
  const bytes = new Uint8Array(pageBytes);
  bytes.set(memory.subarray(page * pageBytes, (page + 1) * pageBytes));
  return bytes;
}
