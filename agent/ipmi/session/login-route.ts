/** The way to a BMC while a login lasts: it may change its UDP port on the way, and is one route again at its end. */
import type { Remote, Route, Transport } from "../transport/index.js";

export class LoginRoute {
  readonly #open: () => Promise<Route>;
  #route: Promise<Route>;
  /** Who hears what arrives. */
  listener: (datagram: Uint8Array) => void = () => undefined;
  lastSendError: Error | undefined;
  #closed = false;

  /** Opening fails when `settled` is asked, or in what is sent, which is lost. */
  constructor(transport: Transport, remote: Remote) {
    this.#open = () =>
      transport.open(remote, {
        received: (datagram) => this.listener(datagram),
        sendFailed: (error) => {
          this.lastSendError = error;
        },
      });
    this.#route = this.#open();
    this.#route.catch(() => undefined);
  }

  /** The route as it is now. Throws UnreachableError when there is none. */
  settled(): Promise<Route> {
    return this.#route;
  }

  send(datagram: Uint8Array): void {
    void this.#route.then(
      (route) => route.send(datagram),
      (error: Error) => {
        this.lastSendError = error;
      },
    );
  }

  /** Opens the new before it closes the old, which is what makes its port another. */
  changePort(): void {
    const old = this.#route;
    const route = this.#open();
    this.#route = route;
    void route.catch(() => undefined).then(() => closeRoute(old));
    if (this.#closed) closeRoute(route);
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    closeRoute(this.#route);
  }
}

function closeRoute(opening: Promise<Route>): void {
  void opening.then(
    (route) => route.close(),
    () => undefined,
  );
}
