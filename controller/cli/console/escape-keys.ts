/** What a person types on a console: bytes for the line, and `~` sequences at the start of a line for us. Pure. */

export type KeyAction = { readonly kind: "send"; readonly bytes: Uint8Array } | { readonly kind: "break" | "help" | "leave" };

const tilde = 0x7e;
const lineEnds = [0x0d, 0x0a];

/** As ssh does it: ~ counts after Enter (and at the very beginning); ~~ sends one ~; anything else after ~ sends both. */
export class EscapeKeys {
  #atLineStart = true;
  #escaped = false;

  push(bytes: Uint8Array): KeyAction[] {
    const actions: KeyAction[] = [];
    let plain: number[] = [];
    const act = (kind: "break" | "help" | "leave") => {
      if (plain.length > 0) actions.push({ kind: "send", bytes: Uint8Array.from(plain) });
      plain = [];
      actions.push({ kind });
    };
    for (const byte of bytes) {
      if (this.#escaped) {
        this.#escaped = false;
        if (byte === 0x2e) act("leave");
        else if (byte === 0x62) act("break");
        else if (byte === 0x3f) act("help");
        else plain.push(...(byte === tilde ? [tilde] : [tilde, byte]));
        this.#atLineStart = lineEnds.includes(byte);
      } else if (byte === tilde && this.#atLineStart) this.#escaped = true;
      else {
        plain.push(byte);
        this.#atLineStart = lineEnds.includes(byte);
      }
    }
    if (plain.length > 0) actions.push({ kind: "send", bytes: Uint8Array.from(plain) });
    return actions;
  }
}
