import { fromHalves, highHalf, lowHalf, parseInteger, parseIntegerText } from "../src/numbers/integers.js";
import { Random } from "./random.js";

/** The rule put another way: the text of a 64-bit integer. */
function expected(text: string): number | bigint | undefined {
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const value = BigInt(text);
  if (value !== BigInt.asIntN(64, value)) return undefined;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

const parsed = (text: string) => {
  const bytes = Buffer.from(`9${text}9`, "latin1");
  return parseInteger(bytes, 1, text.length);
};

test.each([
  ["0", 0],
  ["-0", undefined],
  ["00", undefined],
  ["-", undefined],
  ["", undefined],
  ["+1", undefined],
  [" 1", undefined],
  ["1\0", undefined],
  ["9007199254740991", 9007199254740991],
  ["9007199254740992", 9007199254740992n],
  ["9223372036854775807", 9223372036854775807n],
  ["9223372036854775808", undefined],
  ["-9223372036854775808", -9223372036854775808n],
  ["-9223372036854775809", undefined],
  ["18446744073709551616", undefined],
  ["100000000000000000000", undefined],
])("%j is %s", (text, value) => {
  expect(parseIntegerText(text)).toBe(value);
  expect(parsed(text)).toBe(value);
});

test("texts near every width, and halves of what they are", () => {
  const random = new Random("integers");
  for (let i = 0; i < 50_000; i++) {
    const text = random.integerText();
    const value = expected(text);
    if (parseIntegerText(text) !== value || parsed(text) !== value) throw new Error(`${JSON.stringify(text)}`);
    if (value === undefined) continue;
    if (fromHalves(lowHalf(value), highHalf(value)) !== value) throw new Error(`halves of ${text}`);
  }
});
