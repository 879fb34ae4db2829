/**
 * The command line as GRUB hands it to a kernel: arguments joined by one blank. What GRUB's shell has already unquoted gets a
 * backslash again where it holds a quote or a backslash, and quotes where it holds a blank (grub_create_loader_cmdline): a dollar
 * escaped twice in grub.cfg therefore arrives with backslashes and the kernel does not understand it.
 */
export function loaderCommandLine(args: readonly string[]): string {
  return args.map(quoteArgument).join(" ");
}

function quoteArgument(argument: string): string {
  const escaped = argument.replace(/\\(?!x[0-9a-fA-F]{2})|['"]/g, "\\$&");
  return argument.includes(" ") ? `"${escaped}"` : escaped;
}
