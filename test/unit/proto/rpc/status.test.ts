import { Metadata, status } from "@grpc/grpc-js";
import t from "tap";
import { ConflictError, DeadlineError, errorCodes, errorFromCode, LabError } from "../../../../proto/base/errors.js";
import { errorFromStatus, statusFromError } from "../../../../proto/rpc/status.js";

t.test("every error code comes back over gRPC as itself, with message and facts", async (t) => {
  for (const code of errorCodes) {
    const sent = errorFromCode(code, `${code} happened; do this`, { facts: { node: "p0", tries: 3 } });
    const received = errorFromStatus(statusFromError(sent), "agent p0", "PowerService.SetPower");
    t.equal(received.code, code);
    t.equal(received.message, sent.message);
    t.same(received.facts, { node: "p0", tries: 3 });
  }
});

t.test("a conflict travels as ABORTED, as the contract says", async (t) => {
  t.equal(statusFromError(new ConflictError("held")).code, status.ABORTED);
});

t.test("a deadline keeps its sentence", async (t) => {
  const sent = new DeadlineError({ subject: "bmc p0", awaited: "power on", waitedMs: 1500, lastSeen: "off" });
  t.match(errorFromStatus(statusFromError(sent), "", "").message, /waited 1\.5 s for power on; last seen: off/);
});

t.test("what is not a LabError is told as an internal error", async (t) => {
  const received = errorFromStatus(statusFromError(new TypeError("x is undefined")), "", "");
  t.equal(received.code, "internal");
  t.match(received.message, /x is undefined/);
});

t.test("a status without our code is understood by its number and says whom it came from", async (t) => {
  const foreign = { code: status.UNAVAILABLE, details: "connection refused", metadata: new Metadata() };
  const received = errorFromStatus(foreign, "controller lab1:7443", "NodeService.ListNodes");
  t.equal(received.code, "unreachable");
  t.equal(received.message, "controller lab1:7443: NodeService.ListNodes: connection refused");
});

t.test("a stream reset below gRPC is a lost connection, not a defect of the peer", async (t) => {
  const details = "Received RST_STREAM with code 2 triggered by internal client error: Session closed with error code 2";
  t.equal(errorFromStatus({ code: status.INTERNAL, details, metadata: new Metadata() }, "agent p0", "rpc").code, "unreachable");
  t.equal(errorFromStatus({ code: status.INTERNAL, details: "cannot decode", metadata: new Metadata() }, "", "").code, "internal");
});

t.test("every gRPC status except OK has a meaning", async (t) => {
  for (const code of Object.values(status).filter((each): each is status => typeof each === "number" && each !== status.OK)) {
    const error = errorFromStatus({ code, details: "", metadata: new Metadata() }, "peer", "rpc");
    t.ok(error instanceof LabError);
    t.not(error.code === "internal" && code !== status.INTERNAL && code !== status.DATA_LOSS, true, `status ${code}`);
  }
});

t.test("a message longer than trailers can carry keeps its beginning", async (t) => {
  const { details } = statusFromError(new ConflictError("x".repeat(100_000)));
  t.ok(details.length < 17_000);
  t.ok(details.endsWith("…"));
});
