/** Arguments and options of the commands: each parser names the limits when it refuses one. */
import { type Argument, createArgument, InvalidArgumentError } from "commander";
import { optionSchemas } from "../options.js";

const { default: DEFAULT_DEVICE } = optionSchemas.device as { default: string };

/** A device's name as the option `device` of openLibOS() takes it. What has no scheme is the path of a file or a block device. */
export function parseDevice(text: string): string {
  if (text === "") throw new InvalidArgumentError("A device is file:PATH or a path.");
  return /^[a-z][a-z0-9+-]*:/.test(text) ? text : `file:${text}`;
}

export function deviceArgument(): Argument {
  return createArgument("[device]", "what the logs are on").argParser(parseDevice).default(DEFAULT_DEVICE);
}

/** An option parser for whole numbers from `least` to `most`. */
export function wholeNumber(what: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`${what} is a whole number from ${least} to ${most}, not "${text}".`);
    }
    return value;
  };
}

/** An option parser for numbers separated by commas. */
export function numberList(what: string, least: number, most: number): (text: string) => number[] {
  const one = wholeNumber(what, least, most);
  return (text) => text.split(",").map((part) => one(part.trim()));
}

/** A position in a log, or a count of what is in it. */
export const wholeCount = (what: string) => wholeNumber(what, 0, Number.MAX_SAFE_INTEGER);

export function parseSeconds(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0.01 && value <= 600)) {
    throw new InvalidArgumentError(`Seconds are a number from 0.01 to 600, not "${text}".`);
  }
  return value;
}
