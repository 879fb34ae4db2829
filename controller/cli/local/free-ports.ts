/** Ports on loopback that nobody has at this moment, neither by UDP (a BMC) nor by TCP (an ssh server). */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";

interface Held {
  readonly port: number;
  readonly tcp: Server;
  readonly udp: Socket;
}

export async function freePorts(count: number): Promise<readonly number[]> {
  const held: Held[] = [];
  try {
    // All are held until the last is found, so that no two are the same.
    while (held.length < count) {
      const found = await hold();
      if (found !== undefined) held.push(found);
    }
    return held.map((each) => each.port);
  } finally {
    for (const { tcp, udp } of held) {
      tcp.close();
      udp.close();
    }
  }
}

/** Undefined when the port that was free by TCP is taken by UDP. */
async function hold(): Promise<Held | undefined> {
  const tcp = createServer().listen(0, "127.0.0.1");
  await once(tcp, "listening");
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket("udp4").bind(port, "127.0.0.1");
  try {
    await once(udp, "listening");
    return { port, tcp, udp };
  } catch (error) {
    tcp.close();
    udp.close();
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return undefined;
    throw error;
  }
}
