/**
 * Patterns of KEYS, SCAN's MATCH, PSUBSCRIBE, CONFIG GET and ACL, as Redis's stringmatchlen has them: `*`, `?`, `[abc]`, `[^a-z]`, and `\` before
 * a byte that is meant as it is. What is odd there is so here: nothing matches an empty text but an empty pattern, `[` without its end takes
 * what there is, and the ends of a range are signed and may stand the wrong way round.
 */

const STAR = 42;
const QUESTION = 63;
const OPEN = 91;
const BACKSLASH = 92;
const CLOSE = 93;
const CARET = 94;
const DASH = 45;

/**
 * Whether the text is as the pattern says. Where it is not, only the last star that was come to takes one byte more: an earlier one would leave
 * the rest no better off. So it is never worse than the product of both lengths, and needs no stack.
 */
export function globMatches(
  pattern: Uint8Array,
  patternAt: number,
  patternLength: number,
  text: Uint8Array,
  textAt: number,
  textLength: number,
  ignoresCase = false,
): boolean {
  const end = patternAt + patternLength;
  const textEnd = textAt + textLength;
  let p = patternAt;
  let t = textAt;
  /** After the last star, and the text that it has left for what follows. */
  let starred = -1;
  let left = 0;
  for (;;) {
    let fits = true;
    while (fits && p < end && t < textEnd) {
      const byte = pattern[p];
      if (byte === STAR) {
        while (p + 1 < end && pattern[p + 1] === STAR) p++;
        if (p + 1 === end) return true;
        starred = ++p;
        left = t;
        continue;
      }
      if (byte === OPEN) {
        p = matchClass(pattern, p + 1, end, text[t], ignoresCase);
        fits = classFits;
      } else if (byte !== QUESTION) {
        if (byte === BACKSLASH && p + 1 < end) p++;
        fits = pattern[p] === text[t] || (ignoresCase && lower(pattern[p]) === lower(text[t]));
      }
      p++;
      t++;
      if (fits && t === textEnd) while (p < end && pattern[p] === STAR) p++;
    }
    if (fits && p >= end && t === textEnd) return true;
    if (starred < 0 || ++left >= textEnd) return false;
    p = starred;
    t = left;
  }
}

/** As {@link globMatches}, of latin1 texts. */
export function globMatchesText(pattern: string, text: string, ignoresCase = false): boolean {
  const patternBytes = Buffer.from(pattern, "latin1");
  const bytes = Buffer.from(text, "latin1");
  return globMatches(patternBytes, 0, patternBytes.length, bytes, 0, bytes.length, ignoresCase);
}

/** Of matchClass(): whether the byte belongs to it. */
let classFits = false;

/** The class that begins at `p`, after its bracket. Returns where its last byte is. */
function matchClass(pattern: Uint8Array, p: number, end: number, byte: number, ignoresCase: boolean): number {
  const isNot = p < end && pattern[p] === CARET;
  if (isNot) p++;
  let found = false;
  for (; ; p++) {
    if (p >= end) {
      p--;
      break;
    }
    const one = pattern[p];
    if (one === BACKSLASH && p + 1 < end) {
      if (pattern[++p] === byte) found = true;
    } else if (one === CLOSE) {
      break;
    } else if (p + 2 < end && pattern[p + 1] === DASH) {
      if (isWithin(one, pattern[p + 2], byte, ignoresCase)) found = true;
      p += 2;
    } else if (one === byte || (ignoresCase && lower(one) === lower(byte))) {
      found = true;
    }
  }
  classFits = found !== isNot;
  return p;
}

function isWithin(a: number, b: number, byte: number, ignoresCase: boolean): boolean {
  let from = signed(a);
  let to = signed(b);
  if (from > to) [from, to] = [to, from];
  let value = signed(byte);
  if (ignoresCase) {
    from = lower(from);
    to = lower(to);
    value = lower(value);
  }
  return value >= from && value <= to;
}

const signed = (byte: number): number => (byte << 24) >> 24;
const lower = (byte: number): number => (byte >= 65 && byte <= 90 ? byte + 32 : byte);
