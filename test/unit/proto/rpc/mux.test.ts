import { once } from "node:events";
import { get } from "node:https";
import { connect } from "node:tls";
import type { TLSSocket } from "node:tls";
import t from "tap";
import { Authority } from "../../../../controller/identity/authority.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { AuthenticationError, PermissionError } from "../../../../proto/base/errors.js";
import { PowerServiceService } from "../../../../proto/gen/lab/v1/power.js";
import { dialChannel } from "../../../../proto/rpc/channel.js";
import { clientOf } from "../../../../proto/rpc/client.js";
import { dialController } from "../../../../proto/rpc/dial.js";
import type { Identity } from "../../../../proto/rpc/identity.js";
import { controllerName } from "../../../../proto/rpc/peer.js";
import { agentProtocol } from "../../../../proto/rpc/protocols.js";
import { addService } from "../../../../proto/rpc/server.js";
import { issueIdentity, openLabPort } from "../../../support/rpc/lab-port.js";

const power = async () => ({ state: "on", fault: false, lastEvent: "", asks: "", hold: "" });

/** A connection to the agents' door with whatever certificate; resolves true when the port took it, false when it hung up. */
async function knock(address: string, caPem: string, identity?: Pick<Identity, "keyPem" | "certificatePem">): Promise<boolean> {
  const [host, port] = address.split(":") as [string, string];
  const certificate = identity === undefined ? {} : { key: identity.keyPem, cert: identity.certificatePem };
  const socket = connect({
    host,
    port: Number(port),
    ca: caPem,
    servername: controllerName,
    ALPNProtocols: [agentProtocol],
    ...certificate,
  });
  socket.on("error", () => {});
  const greeted = once(socket, "data").then(() => true);
  const refused = once(socket, "close").then(() => false);
  const taken = await Promise.race([greeted, refused]);
  socket.destroy();
  return taken;
}

t.test("the agents' door opens for an agent's certificate only", async (t) => {
  const names: string[] = [];
  const onAgent = (socket: TLSSocket, name: string) => {
    names.push(name);
    socket.write("hello");
  };
  const port = await openLabPort(t.testdir({ ours: {}, theirs: {} }) + "/ours", { onAgent });
  t.teardown(() => port.close());
  const { caPem } = port.authority;
  const agent = await issueIdentity(port.authority, { name: "p0", role: "agent" });
  const operator = await issueIdentity(port.authority, { name: "ada", role: "operator" });
  const theirs = await Authority.open(`${t.testdirName}/theirs`, { clock: systemClock, lab: "theirs" });
  const stranger = await issueIdentity(theirs, { name: "p0", role: "agent" });

  t.equal(await knock(port.address, caPem, agent), true, "an agent");
  t.equal(await knock(port.address, caPem), false, "nobody");
  t.equal(await knock(port.address, caPem, operator), false, "an operator");
  t.equal(await knock(port.address, caPem, stranger), false, "another lab's agent");
  t.same(names, ["p0"]);
});

t.test("an API client of another lab is turned away, one without a certificate is nobody", async (t) => {
  const seen: unknown[] = [];
  const port = await openLabPort(t.testdir({ ours: {}, theirs: {} }) + "/ours", {
    services: (server) =>
      addService(
        server,
        PowerServiceService,
        { getPower: power, setPower: () => Promise.reject(new Error("unused")), confirmPower: () => Promise.reject(new Error("unused")) },
        {
          authorize: (peer) => {
            seen.push(peer);
            if (peer === undefined) throw new PermissionError("no certificate");
          },
        },
      ),
  });
  t.teardown(() => port.close());
  const { caPem } = port.authority;
  const theirs = await Authority.open(`${t.testdirName}/theirs`, { clock: systemClock, lab: "theirs" });
  const stranger = await issueIdentity(theirs, { name: "ada", role: "operator" });
  const call = async (identity?: Identity) => {
    const channel = dialChannel({ address: port.address, caPem, identity, clock: systemClock });
    try {
      return await clientOf(PowerServiceService, channel).getPower({ node: "p0" });
    } finally {
      channel.close();
    }
  };
  await t.rejects(call(), { name: "PermissionError" });
  await t.rejects(call(stranger), { name: "UnreachableError" });
  t.match(await call(await issueIdentity(port.authority, { name: "ada", role: "operator" })), { state: "on" });
  t.same(seen, [undefined, { name: "ada", role: "operator" }]);
});

t.test("an agent does not talk to a controller of another lab", async (t) => {
  const port = await openLabPort(t.testdir({ ours: {}, theirs: {} }) + "/ours");
  t.teardown(() => port.close());
  const theirs = await Authority.open(`${t.testdirName}/theirs`, { clock: systemClock, lab: "theirs" });
  const identity = await issueIdentity(theirs, { name: "p0", role: "agent" });
  await t.rejects(dialController({ address: port.address, identity, clock: systemClock }), AuthenticationError);
});

t.test("an agent's certificate cannot pose as the controller", async (t) => {
  const authority = await Authority.open(t.testdir(), { clock: systemClock, lab: "test" });
  const { keyPem, certificatePem } = await issueIdentity(authority, { name: controllerName, role: "agent" });
  const { createServer } = await import("node:tls");
  const impostor = createServer({ key: keyPem, cert: certificatePem + authority.caPem, ALPNProtocols: [agentProtocol] });
  impostor.listen(0, "127.0.0.1");
  await once(impostor, "listening");
  t.teardown(() => impostor.close());
  const { port } = impostor.address() as { port: number };
  const identity = await issueIdentity(authority, { name: "p0", role: "agent" });
  await t.rejects(dialController({ address: `127.0.0.1:${port}`, identity, clock: systemClock }), { code: "authentication" });
});

t.test("a browser is told what this port is", async (t) => {
  const port = await openLabPort(t.testdir());
  t.teardown(() => port.close());
  const { status, text } = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    get(`https://${port.address}/`, { ca: port.authority.caPem }, (response) => {
      response.setEncoding("utf8");
      let text = "";
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve({ status: response.statusCode, text }));
    }).on("error", reject);
  });
  t.equal(status, 404);
  t.match(text, /labd/);
});

t.test("an address in use is told with the next step", async (t) => {
  const first = await openLabPort(t.testdir({ one: {}, two: {} }) + "/one");
  t.teardown(() => first.close());
  const listen = Number(first.address.split(":")[1]);
  await t.rejects(openLabPort(`${t.testdirName}/two`, { listen }), { name: "UnreachableError", message: /another port/ });
});
