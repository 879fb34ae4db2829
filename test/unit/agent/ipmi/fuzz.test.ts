/** The short run of `npm run fuzz`. */
import t from "tap";
import { fuzz } from "../../../support/fuzz/fuzz.js";

t.test("50,000 datagrams that are almost right crash nothing, stop nothing and leave nothing behind", async (t) => {
  const report = await fuzz({ datagrams: 50_000, seed: 20261121 });
  t.ok(report.datagrams >= 50_000);
  t.ok(report.sessions > 5, `${report.sessions} sessions came about`);
  t.ok(report.commandsAnswered > 50, `${report.commandsAnswered} commands were answered`);
  t.ok(report.solBytes > 1000, `${report.solBytes} bytes of console came through`);
  for (const what of ["sealed", "replay", "truncate", "splice"]) t.ok((report.counts[what] ?? 0) > 1000, what);
  const { early, end } = report.heapBytes;
  t.ok(end - early < 4_000_000, `the heap grew by ${end - early} bytes`);
});
