/** Node keeps SIGUSR1 for its debugger. A handler come and gone leaves the default: it ends the process, as it ends any program. */
export function defaultDisposition(signal: NodeJS.Signals): void {
  const nothing = () => undefined;
  process.on(signal, nothing);
  process.removeListener(signal, nothing);
}
