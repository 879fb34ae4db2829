/** A server of whatever services a test gives it, on a real port, and an operator's channel to it. */
import type { Server } from "@grpc/grpc-js";
import type { Test } from "tap";
import type { Clock } from "../../../proto/base/clock.js";
import { systemClock } from "../../../proto/base/clock.js";
import { FailedError } from "../../../proto/base/errors.js";
import type { Channel } from "../../../proto/rpc/channel.js";
import { dialChannel } from "../../../proto/rpc/channel.js";
import { issueIdentity, openLabPort } from "./lab-port.js";

/** Serves until the test ends; the caller is the operator ada. */
export async function serveForTest(t: Test, services: (server: Server) => void, clock: Clock = systemClock): Promise<Channel> {
  const port = await openLabPort(t.testdir(), { services });
  const identity = await issueIdentity(port.authority, { name: "ada", role: "operator" });
  const channel = dialChannel({ address: port.address, caPem: identity.caPem, identity, clock });
  t.teardown(async () => {
    channel.close();
    await port.close();
  });
  return channel;
}

/** For rpcs a test does not call. */
export function unused(): never {
  throw new FailedError("not part of this test");
}

export function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
