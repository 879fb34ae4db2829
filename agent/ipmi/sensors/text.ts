/** Names as BMCs write them (IPMI v2.0 §43.15). Pure. */

const bcdPlus = "0123456789 -.:,_";

/** The text of an ID string. What a terminal would take for more than a letter is left out. */
export function idText({ code, length }: { code: number; length: number }, bytes: Uint8Array): string {
  const used = bytes.subarray(0, length);
  switch (code) {
    case 1:
      return printable(Array.from(used, (byte) => `${bcdPlus[byte >> 4] ?? ""}${bcdPlus[byte & 0x0f] ?? ""}`).join(""));
    case 2:
      return printable(packedText(used));
    default:
      return latinText(used);
  }
}

/** Latin-1 up to the first zero. */
export function latinText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return printable(String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end))));
}

/** Four characters of six bits in three bytes, the low ones first, from the blank on. */
function packedText(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const group = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    const characters = Math.floor((Math.min(3, bytes.length - at) * 8) / 6);
    for (let n = 0; n < characters; n += 1) text += String.fromCharCode(0x20 + ((group >> (6 * n)) & 0x3f));
  }
  return text;
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\xa1-\xff]/g, "").trim();
}
