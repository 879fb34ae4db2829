/** Whether simulated BMCs answer. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { until } from "../condition.js";

/** Get Channel Authentication Capabilities outside a session (IPMI v2.0 §22.13): harmless, and answered by every BMC. */
const areYouThere = Buffer.from("0600ff07000000000000000000092018c88100388e04b5", "hex");

/** Asks all until each has answered. Throws after a minute with those that have not. */
export async function allAnswer(addresses: readonly string[], port: number, signal: AbortSignal): Promise<void> {
  const silent = new Set(addresses);
  const socket = createSocket("udp4").bind(0);
  socket.on("message", (_, from) => silent.delete(from.address));
  // A BMC that has not started refuses.
  socket.on("error", () => undefined);
  await once(socket, "listening");
  const ask = () => {
    for (const address of silent) socket.send(areYouThere, port, address);
    return silent.size === 0;
  };
  try {
    await until("simulated BMCs to answer", ask, { signal, everyMs: 100 });
  } catch (cause) {
    throw new Error(`${silent.size} of ${addresses.length} simulated BMCs do not answer: ${[...silent].slice(0, 5).join(", ")}`, { cause });
  } finally {
    socket.close();
  }
}
