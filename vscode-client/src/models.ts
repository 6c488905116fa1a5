/** The chat model that a tier stands for, among those the editor offers: pure, without VS Code. */

export interface ChatModel {
  vendor: string;
  id: string;
  family: string;
  version: string;
  name: string;
}

/** The first of the tier's models that the editor has; the tier's order is the user's preference. */
export function matchModel<T extends ChatModel>(
  wanted: readonly string[],
  offered: readonly T[],
): T | undefined {
  for (const name of wanted) {
    const found = offered.find((model) => names(model).includes(name.toLowerCase()));
    if (found) return found;
  }
  return undefined;
}

function names({ vendor, id, family, name }: ChatModel): string[] {
  return [id, name, `${name} (${vendor})`, `${vendor}/${id}`, family].map((one) => one.toLowerCase());
}
