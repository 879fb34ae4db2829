/** What this machine reports about itself. */

export interface Facts {
  readonly kernel: string;
  readonly kernelRelease: string;
  readonly arch: string;
  readonly hostname: string;
  /** Changes with every boot. */
  readonly bootId: string;
  readonly uptimeS: number;
  readonly cpuCount: number;
  readonly cpuModel: string;
  readonly memoryBytes: number;
  readonly memoryAvailableBytes: number;
  readonly disks: readonly { readonly mount: string; readonly sizeBytes: number; readonly freeBytes: number }[];
  readonly modules: readonly string[];
  readonly commandLine: string;
  readonly osRelease: string;
}

export interface Machine {
  facts(): Promise<Facts>;
  /** As in the facts, without the work of the others; "" on a machine that does not say. Throws UnreachableError, AuthenticationError. */
  bootId(options?: { signal?: AbortSignal | undefined }): Promise<string>;
  /** Asks the operating system to reboot; resolves with the boot id before it when the request was accepted. */
  reboot(): Promise<{ oldBootId: string }>;
}
