/** DEMI_NET: which uses of node:net go through the libOS. */
import type { Use } from "../route.js";

const USES: readonly Use[] = ["listen", "connect"];

/** Both where nothing is said. Throws for a word that is none of them. */
export function usesOf(text: string | undefined): ReadonlySet<Use> {
  if (text === undefined || text.trim() === "") return new Set(USES);
  const uses = new Set<Use>();
  for (const word of text.split(",")) {
    const use = USES.find((each) => each === word.trim());
    if (use === undefined)
      throw new Error(
        `DEMI_NET: ${JSON.stringify(word.trim())} is no use of the network; valid are ${USES.join(", ")}`,
      );
    uses.add(use);
  }
  return uses;
}
