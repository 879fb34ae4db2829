/** Addresses for simulated BMCs: every process may bind any of 127.0.0.0/8, so each BMC has one of its own and the standard port. */
import { createSocket } from "node:dgram";
import { once } from "node:events";

/** Standard RMCP port: not every client can be told another. */
export const rmcpPort = 623;

const perSubnet = 250;

/** So many addresses of a /16 that nobody else uses: another benchmark may be running. Throws when the port is not ours to bind. */
export async function freeAddresses(count: number, port: number): Promise<readonly string[]> {
  for (let tries = 0; tries < 20; tries += 1) {
    const network = 1 + Math.floor(Math.random() * 254);
    const addresses = Array.from({ length: count }, (_, i) => `127.${network}.${Math.floor(i / perSubnet)}.${(i % perSubnet) + 1}`);
    if ((await Promise.all(addresses.map((address) => isFree(address, port)))).every(Boolean)) return addresses;
  }
  throw new Error(`no network of 127.0.0.0/8 has UDP port ${port} free for ${count} simulated BMCs; end the other benchmarks`);
}

async function isFree(address: string, port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  try {
    socket.bind({ port, address, exclusive: true });
    await once(socket, "listening");
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EACCES") throw new Error(`UDP port ${port} of ${address} may not be bound: run the benchmark as root`, { cause: error });
    if (code === "EADDRINUSE") return false;
    throw error;
  } finally {
    socket.close();
  }
}
