/** The kinds of reports, by name. */
import type { Report } from "../deploy/recipe.js";

export type Table = Extract<Report, { readonly kind: "table" }>;
export type Chart = Extract<Report, { readonly kind: "chart" }>;
