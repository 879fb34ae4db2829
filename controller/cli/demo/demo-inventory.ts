/** The inventory of a demo with ports that are free now: no root, no fixed port, and two demos at a time. */
import { freePorts } from "../local/free-ports.js";

const portInText = /\bport: (\d+)/g;

/** The text with every port in it replaced; where it says one port twice, it does so still. */
export async function withFreePorts(text: string): Promise<string> {
  const said = [...new Set(Array.from(text.matchAll(portInText), ([, port]) => port ?? ""))];
  const free = await freePorts(said.length);
  return text.replace(portInText, (_, port: string) => `port: ${free[said.indexOf(port)]}`);
}
