/** Why something that can only be found out by trying does not work here; undefined when it does. */
export function whyNot(trial: () => unknown): string | undefined {
  try {
    trial();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
