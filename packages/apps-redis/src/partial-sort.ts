/**
 * Sorts a part of an array: a quicksort that leaves out what the part has nothing of (Bentley and McIlroy, "Engineering a Sort Function",
 * Software: Practice and Experience, 1993). GEOSEARCH with a COUNT and SORT with a LIMIT tell what is equal in the order that this leaves it in,
 * so it takes the same steps as Redis's pqsort.
 */
type Compare<T> = (a: T, b: T) => number;

/** Up to this many are sorted by insertion, and from this many on the pivot is a median of nine. */
const FEW = 6;
const MANY = 41;

/** Puts in their places what belongs to the indices from `first` to `last`, with the rest in any order around them. */
export function partialSort<T>(all: T[], compare: Compare<T>, first: number, last: number): void {
  sortPart(all, 0, all.length, compare, first, last);
}

function sortPart<T>(all: T[], begin: number, count: number, compare: Compare<T>, first: number, last: number): void {
  let at = begin;
  let n = count;
  while (n > FEW) {
    swap(all, at, pivotOf(all, at, n, compare));
    const [less, greater] = partition(all, at, n, compare);
    const rest = at + n - greater;
    if (less > 1 && isWanted(at, less, first, last)) sortPart(all, at, less, compare, first, last);
    if (greater <= 1 || !isWanted(rest, greater, first, last)) return;
    at = rest;
    n = greater;
  }
  insertionSort(all, at, n, compare);
}

const isWanted = (at: number, n: number, first: number, last: number): boolean => last >= at && first < at + n;

function insertionSort<T>(all: T[], at: number, n: number, compare: Compare<T>): void {
  for (let i = at + 1; i < at + n; i++) {
    for (let j = i; j > at && compare(all[j - 1], all[j]) > 0; j--) swap(all, j, j - 1);
  }
}

function pivotOf<T>(all: T[], at: number, n: number, compare: Compare<T>): number {
  let middle = at + (n >>> 1);
  if (n === FEW + 1) return middle;
  let low = at;
  let high = at + n - 1;
  if (n >= MANY) {
    const eighth = n >>> 3;
    low = median(all, low, low + eighth, low + 2 * eighth, compare);
    middle = median(all, middle - eighth, middle, middle + eighth, compare);
    high = median(all, high - 2 * eighth, high - eighth, high, compare);
  }
  return median(all, low, middle, high, compare);
}

function median<T>(all: T[], a: number, b: number, c: number, compare: Compare<T>): number {
  if (compare(all[a], all[b]) < 0) {
    if (compare(all[b], all[c]) < 0) return b;
    return compare(all[a], all[c]) < 0 ? c : a;
  }
  if (compare(all[b], all[c]) > 0) return b;
  return compare(all[a], all[c]) < 0 ? a : c;
}

/** By the element at `at`: what is less first, then what is equal, then what is greater; how many are less and how many greater. */
function partition<T>(all: T[], at: number, n: number, compare: Compare<T>): [number, number] {
  // What is equal is gathered at both ends at first.
  let equalLow = at + 1;
  let low = at + 1;
  let high = at + n - 1;
  let equalHigh = high;
  for (;;) {
    for (; low <= high; low++) {
      const order = compare(all[low], all[at]);
      if (order > 0) break;
      if (order === 0) swap(all, equalLow++, low);
    }
    for (; low <= high; high--) {
      const order = compare(all[high], all[at]);
      if (order < 0) break;
      if (order === 0) swap(all, high, equalHigh--);
    }
    if (low > high) break;
    swap(all, low++, high--);
  }
  const less = low - equalLow;
  const greater = equalHigh - high;
  swapRuns(all, at, low, Math.min(equalLow - at, less));
  swapRuns(all, low, at + n, Math.min(greater, at + n - 1 - equalHigh));
  return [less, greater];
}

/** Exchanges `n` elements from `from` on with the `n` before `end`. */
function swapRuns<T>(all: T[], from: number, end: number, n: number): void {
  for (let i = 0; i < n; i++) swap(all, from + i, end - n + i);
}

function swap<T>(all: T[], i: number, j: number): void {
  const one = all[i];
  all[i] = all[j];
  all[j] = one;
}
