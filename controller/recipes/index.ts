/** The recipes there are. A new one is a folder beside lego/ and a line here. */
import type { Recipe } from "../deploy/recipe.js";
import { hexo } from "./hexo/hexo.js";
import { lego } from "./lego/lego.js";
import { phoenix } from "./phoenix/phoenix.js";
import { phos } from "./phos/phos.js";

export const recipes: readonly Recipe[] = [lego, hexo, phoenix, phos];

/** The recipe of this name; undefined when there is none. */
export function findRecipe(name: string): Recipe | undefined {
  return recipes.find((recipe) => recipe.name === name);
}
