import t from "tap";
import { systemClock } from "../../../../proto/base/clock.js";
import { CancelledError, ConflictError, DeadlineError } from "../../../../proto/base/errors.js";
import { PowerServiceService } from "../../../../proto/gen/lab/v1/power.js";
import { dialChannel } from "../../../../proto/rpc/channel.js";
import { clientOf } from "../../../../proto/rpc/client.js";
import { addService } from "../../../../proto/rpc/server.js";
import type { Call } from "../../../../proto/rpc/service.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { openLabPort } from "../../../support/rpc/lab-port.js";
import { deferred, serveForTest, unused } from "../../../support/rpc/serve.js";

t.test("a unary call brings the answer, and the server knows who asked", async (t) => {
  let seen: Call | undefined;
  const channel = await serveForTest(t, (server) =>
    addService(server, PowerServiceService, {
      setPower: unused,
      confirmPower: unused,
      getPower: async ({ node }, call) => {
        seen = call;
        return { state: "on", fault: false, lastEvent: node, asks: "", hold: "" };
      },
    }),
  );
  const answer = await clientOf(PowerServiceService, channel).getPower({ node: "p0" });
  t.same(answer, { state: "on", fault: false, lastEvent: "p0", asks: "", hold: "" });
  t.same(seen?.peer, { name: "ada", role: "operator" });
});

t.test("an error thrown by the implementation is thrown by the call", async (t) => {
  const channel = await serveForTest(t, (server) =>
    addService(server, PowerServiceService, {
      setPower: unused,
      confirmPower: unused,
      getPower: async () => {
        throw new ConflictError("p0 is leased by ci until 18:00; wait or ask", { facts: { node: "p0" } });
      },
    }),
  );
  const call = clientOf(PowerServiceService, channel).getPower({ node: "p0" });
  await t.rejects(call, { name: "ConflictError", message: "p0 is leased by ci until 18:00; wait or ask", facts: { node: "p0" } });
});

t.test("authorize is asked before the implementation", async (t) => {
  let reached = false;
  const channel = await serveForTest(t, (server) =>
    addService(
      server,
      PowerServiceService,
      {
        setPower: unused,
        confirmPower: unused,
        getPower: async () => {
          reached = true;
          return { state: "on", fault: false, lastEvent: "", asks: "", hold: "" };
        },
      },
      {
        authorize: (peer, rpc) => {
          throw new ConflictError(`${peer?.name} ${rpc}`);
        },
      },
    ),
  );
  await t.rejects(clientOf(PowerServiceService, channel).getPower({ node: "p0" }), { message: "ada PowerService.GetPower" });
  t.notOk(reached);
});

t.test("a caller's abort reaches the implementation and ends the call with its reason", async (t) => {
  const aborted = deferred<void>();
  const started = deferred<void>();
  const channel = await serveForTest(t, (server) =>
    addService(server, PowerServiceService, {
      setPower: unused,
      confirmPower: unused,
      getPower: (_request, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            aborted.resolve();
            reject(signal.reason as Error);
          });
          started.resolve();
        }),
    }),
  );
  const stop = new AbortController();
  const call = clientOf(PowerServiceService, channel).getPower({ node: "p0" }, { signal: stop.signal });
  await started.promise;
  stop.abort(new CancelledError("Ctrl-C"));
  await t.rejects(call, { name: "CancelledError", message: "Ctrl-C" });
  await aborted.promise;
});

t.test("a deadline runs on the injected clock and says what was awaited", async (t) => {
  const clock = new FakeClock();
  const started = deferred<void>();
  const channel = await serveForTest(
    t,
    (server) =>
      addService(server, PowerServiceService, {
        setPower: unused,
        confirmPower: unused,
        getPower: () => {
          started.resolve();
          return new Promise(() => {});
        },
      }),
    clock,
  );
  const call = clientOf(PowerServiceService, channel).getPower({ node: "p0" }, { deadlineMs: 5_000 });
  const outcome = call.then(
    () => undefined,
    (error: unknown) => error,
  );
  await started.promise;
  await clock.advance(5_000);
  const error = await outcome;
  t.type(error, DeadlineError);
  t.match((error as Error).message, /PowerService\.GetPower: waited 5\.0 s for an answer/);
  t.equal(clock.pendingTimers, 0);
});

t.test("an answered call leaves no timer behind", async (t) => {
  const clock = new FakeClock();
  const getPower = async () => ({ state: "on", fault: false, lastEvent: "", asks: "", hold: "" });
  const channel = await serveForTest(
    t,
    (server) => addService(server, PowerServiceService, { setPower: unused, confirmPower: unused, getPower }),
    clock,
  );
  await clientOf(PowerServiceService, channel).getPower({ node: "p0" });
  t.equal(clock.pendingTimers, 0);
});

t.test("a controller that is not there is unreachable", async (t) => {
  const port = await openLabPort(t.testdir());
  const { caPem } = port.authority;
  await port.close();
  const channel = dialChannel({ address: port.address, caPem, clock: systemClock });
  t.teardown(() => channel.close());
  await t.rejects(clientOf(PowerServiceService, channel).getPower({ node: "p0" }), { name: "UnreachableError" });
});

t.test("an rpc this end does not serve is unsupported", async (t) => {
  const channel = await serveForTest(t, (server) => addService(server, PowerServiceService, { setPower: unused, confirmPower: unused }));
  await t.rejects(clientOf(PowerServiceService, channel).getPower({ node: "p0" }), { name: "UnsupportedError" });
});
