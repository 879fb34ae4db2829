/** What may be spoken on the controller's one port, by ALPN name. */

/** gRPC from the command line and other API clients. */
export const apiProtocol = "h2";
/** An agent that has dialled out and will serve gRPC on this connection. The number grows when the direction's rules change. */
export const agentProtocol = "lab-agent/1";
/** Browsers. They offer h2 too, so this one is preferred. */
export const webProtocol = "http/1.1";
