/** The one rule for tests that need what may not be there. */

/** Declares tests. Where something is lacking they are skipped with the reason, and with CI=true they fail with it. */
export function unlessLacking(reason: string | undefined, name: string, body: () => void): void {
  if (reason === undefined) {
    body();
  } else if (process.env.CI === "true") {
    test(name, () => {
      throw new Error(reason);
    });
  } else {
    console.warn(`SKIP: ${name}: ${reason}`);
    test.skip(`${name} (${reason})`, () => {});
  }
}
