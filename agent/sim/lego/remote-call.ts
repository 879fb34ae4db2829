/** A request to another node's manager: it waits in the other's ring until it is served, or for FIT_MAX_RPC_TIMEOUT_SEC. */
import type { ManagerService } from "./fabric.js";
import type { ManagerContext } from "./manager-context.js";

type Served<K extends ManagerService["kind"]> = Extract<ManagerService, { kind: K }>;

/** Calls a manager; undefined when it did not answer in time, which the console shows as the real kernel's time-out lines. */
export function callManager<K extends ManagerService["kind"], R>(
  context: ManagerContext,
  node: number,
  kind: K,
  call: (service: Served<K>) => R | Promise<R>,
): Promise<R | undefined> {
  const { fabric, lifetime, build } = context;
  const timeoutMs = Number(build.config["FIT_MAX_RPC_TIMEOUT_SEC"]) * 1000;
  return new Promise((resolve, reject) => {
    let asked = false;
    const attempt = () => {
      const lid = context.lidOf(node);
      const service = lid === undefined ? undefined : fabric.serviceAt(lid, kind);
      if (service === undefined || asked) return;
      asked = true;
      stopListening();
      Promise.resolve(call(service)).then((answer) => {
        deadline.cancel();
        resolve(answer);
      }, reject);
    };
    const stopListening = fabric.onChange(attempt);
    lifetime.atEnd(stopListening);
    const deadline = lifetime.after(timeoutMs, () => {
      stopListening();
      context.console.printk(`fit: ibapi_send_reply() CPU:4 PID:9 timeout (${timeoutMs} ms), caller: net_send_reply_timeout+0x6e/0x90`);
      context.console.printk(`net_send_reply_timeout() CPU:4 PID:9 fail to send to node ${node}`);
      resolve(undefined);
    });
    attempt();
  });
}
