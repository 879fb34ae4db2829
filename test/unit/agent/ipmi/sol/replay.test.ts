import t from "tap";
import { openLine, stepLine, type SolLineEvent } from "../../../../../agent/ipmi/sol/index.js";
import { decodeSol, encodeSol } from "../../../../../agent/ipmi/wire/index.js";
import { fromHex, toHex } from "../../../../support/ipmi/bytes.js";
import { solWithIpmiSim } from "../../../../support/ipmi/captures.js";

t.test("a recorded console replays byte for byte", (t) => {
  let line = openLine(28);
  const sent: string[] = [];
  const feed = (event: SolLineEvent) => {
    const step = stepLine(line, event);
    line = step.line;
    for (const effect of step.effects) if (effect.kind === "send") sent.push(toHex(encodeSol(effect.packet)));
  };
  const recorded: string[] = [];
  for (const entry of solWithIpmiSim.trim().split("\n")) {
    const [kind, first = "", second = ""] = entry.split(" ");
    if (kind === "<") feed({ kind: "received", packet: decodeSol(fromHex(second)), order: Number(first), atMs: 1000 * Number(first) });
    else if (kind === ">") recorded.push(first);
    else if (kind === "w") feed({ kind: "write", data: fromHex(first) });
    else feed({ kind: "break" });
  }
  t.ok(recorded.length > 8);
  t.same(sent, recorded);
  t.end();
});
