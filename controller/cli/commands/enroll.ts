/** lab token and lab login: how agents and people get in. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { saveIdentity } from "../../../proto/rpc/identity.js";
import { joinLab } from "../../../proto/rpc/join.js";
import { type Context, show, withLab } from "../context.js";
import { recordTime } from "../units.js";

export async function createToken(context: Context, kind: "agent" | "operator", name: string, ttlMs: number): Promise<void> {
  await withLab(context, async (lab) => {
    const answer = await lab.enrollment.createToken({ kind, name, ttlMs: BigInt(ttlMs) }, { signal: context.signal });
    const use =
      kind === "agent" ? `lab-agent --name ${name} --controller ${lab.address} --join-token-file FILE` : `lab login ${lab.address} TOKEN`;
    show(context, { ...answer, kind, name }, () => [answer.token]);
    if (!context.json)
      context.terminal.note(`admits ${kind} ${name} once, until ${recordTime(Number(answer.expiresMs))}; use it with: ${use}`);
  });
}

export async function login(context: Context, address: string, token: string): Promise<void> {
  const identity = await joinLab(address, token, { clock: context.clock, signal: context.signal });
  const { login: directory } = context.directory;
  await saveIdentity(directory, identity);
  await writeFile(join(directory, "endpoint.json"), `${JSON.stringify({ address })}\n`, { mode: 0o600 });
  show(context, { name: identity.name, address, directory }, () => [`you are ${identity.name} to the lab at ${address}; try: lab nodes`]);
}
