// Finds the fenced code blocks of a Markdown file and the directive in front of each.
//
// A directive is an HTML comment right above the fence: `<!-- run: server; probe: nc 127.0.0.1 12345; expect: hello -->`. Its parts
// are "key: value", separated by "; ".

const FENCE = /^( *)(`{3,})(\S*)[^\n]*\n([\s\S]*?)^\1\2 *$/gm;
const LANGUAGES = { javascript: "js", mjs: "js", typescript: "ts", bash: "sh", shell: "sh", console: "sh" };

/** `{language, code, line, directive}` for each block, in order; `line` counts from 1. */
export function blocksOf(markdown) {
  const blocks = [];
  for (const match of markdown.matchAll(FENCE)) {
    const [, indent, , language, body] = match;
    const before = markdown.slice(0, match.index);
    blocks.push({
      language: LANGUAGES[language] ?? language,
      code: indent ? body.replaceAll(new RegExp(`^${indent}`, "gm"), "") : body,
      line: before.split("\n").length,
      directive: directiveBefore(before),
    });
  }
  return blocks;
}

function directiveBefore(text) {
  const comment = /<!--((?:(?!-->)[\s\S])*)-->\s*$/.exec(text)?.[1].trim();
  if (!comment || !/^(run|file|expect|setup|cwd|needs|excerpt):/.test(comment)) return {};
  const parts = comment.split(/;\s+(?=(?:run|reason|probe|expect|file|setup|cwd|needs|excerpt):)/).map((part) => {
    const colon = part.indexOf(":");
    return [part.slice(0, colon), part.slice(colon + 1).trim()];
  });
  return Object.fromEntries(parts);
}
