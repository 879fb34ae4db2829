/** Addresses as an inventory may write them. */

const ipv4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

/** Why `text` is neither an IPv4 address, nor an IPv6 address, nor a host name; undefined when it is one. */
export function addressProblem(text: string): string | undefined {
  if (text === "") return "is empty";
  const numbers = ipv4.exec(text);
  if (numbers !== null) {
    const wrong = numbers.slice(1).find((part) => Number(part) > 255 || (part.length > 1 && part.startsWith("0")));
    return wrong === undefined ? undefined : `"${text}" is not an IPv4 address: ${wrong} is not a number from 0 to 255`;
  }
  if (text.includes(":"))
    return /^[0-9a-f:.]+(%[a-z0-9]+)?$/i.test(text) ? undefined : `"${text}" is not an IPv6 address; a port is its own key`;
  // All-numeric labels would be read as a mistyped IPv4 address by every resolver.
  if (/^[\d.]+$/.test(text)) return `"${text}" is not an IPv4 address: it needs four numbers`;
  if (text.length > 253 || !text.split(".").every((part) => label.test(part))) return `"${text}" is not a host name`;
  return undefined;
}
