/** SVG as text. */

type Attributes = Readonly<Record<string, string | number>>;

/** Children are SVG already: text goes through `words`. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(typeof value === "number" ? short(value) : value)}"`);
  return children.length === 0 ? `<${name}${written.join("")}/>` : `<${name}${written.join("")}>${children.join("")}</${name}>`;
}

/** A line of text at a place. */
export function words(text: string, attributes: Attributes): string {
  return element("text", attributes, escape(text));
}

export function escape(text: string): string {
  // Control characters are no XML, not even escaped.
  const printable = Array.from(text, (each) => ((each.codePointAt(0) ?? 0) < 32 ? " " : each)).join("");
  return printable.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}
