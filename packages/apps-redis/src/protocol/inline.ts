/** The words of a line as redis-cli and Redis's configuration file have them: quoted, with escapes. */

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" };
const isSpace = (c: string): boolean => c === " " || (c >= "\t" && c <= "\r") || c === "\0";

/** The words, as latin1 text; undefined: a quote is not closed, or something follows it at once. */
export function splitArguments(line: string): string[] | undefined {
  const words: string[] = [];
  for (let at = 0; ; ) {
    while (at < line.length && isSpace(line[at])) at++;
    if (at === line.length) return words;
    let word = "";
    for (; at < line.length && !isSpace(line[at]); at++) {
      const quote = line[at];
      if (quote !== '"' && quote !== "'") {
        word += quote;
        continue;
      }
      for (at++; line[at] !== quote; at++) {
        if (at >= line.length) return undefined;
        if (line[at] !== "\\" || at + 1 === line.length) {
          word += line[at];
        } else if (quote === "'") {
          word += line[at + 1] === "'" ? line[++at] : line[at];
        } else if (/^x[0-9a-fA-F]{2}/.test(line.slice(at + 1, at + 4))) {
          word += String.fromCharCode(Number.parseInt(line.slice(at + 2, at + 4), 16));
          at += 3;
        } else {
          word += ESCAPES[line[++at]] ?? line[at];
        }
      }
      if (at + 1 < line.length && !isSpace(line[at + 1])) return undefined;
    }
    words.push(word);
  }
}
