/** A table for a terminal: columns aligned, numbers to the right. */
import type { Table } from "./kinds.js";

export function tableText({ title, columns, rows }: Table): string {
  const cells = [columns, ...rows.map((row) => row.map(cellText))];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => width(row[column] ?? ""))));
  const isNumeric = columns.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === "number"));
  const line = (row: readonly string[]) =>
    columns
      .map((_, column) => {
        const text = row[column] ?? "";
        const blanks = " ".repeat((widths[column] ?? 0) - width(text));
        return isNumeric[column] === true ? blanks + text : text + blanks;
      })
      .join("  ")
      .trimEnd();
  return [title, "", ...cells.map(line), ""].join("\n");
}

/** Six digits tell a measurement; the CSV has all of them. */
function cellText(cell: string | number): string {
  if (typeof cell === "string") return cell;
  return Number.isInteger(cell) || !Number.isFinite(cell) ? String(cell) : String(Number(cell.toPrecision(6)));
}

function width(text: string): number {
  return Array.from(text).length;
}
