/** Makes a list that fails shorter, as long as it still fails (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002). */

/**
 * @template T
 * @param {T[]} list
 * @param {(list: T[]) => Promise<boolean>} fails
 * @param {number} milliseconds To spend at most.
 */
export async function shrink(list, fails, milliseconds) {
  const end = Date.now() + milliseconds;
  for (let size = Math.ceil(list.length / 2); size >= 1; ) {
    let removed = false;
    for (let at = Math.max(0, list.length - size); at >= 0 && Date.now() < end; at -= size) {
      const shorter = [...list.slice(0, at), ...list.slice(at + size)];
      if (shorter.length === 0 || !(await fails(shorter))) continue;
      list = shorter;
      removed = true;
    }
    if (Date.now() >= end || (size === 1 && !removed)) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return list;
}
