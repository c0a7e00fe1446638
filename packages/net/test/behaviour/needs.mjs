/** Marks a case that not every backend can run. */
export function needs(what, run) {
  run.needs = [what].flat();
  return run;
}
