// Jest's results as a stage's line (report.mjs). Beside Jest's own reporter: jest.base.mjs.
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { report, splitReason } from "./report.mjs";

export default class StageReporter {
  onRunComplete(_contexts, { testResults }) {
    report(testResults.flatMap(ofFile));
  }
}

function ofFile({ testFilePath, testResults, testExecError, failureMessage }) {
  const tests = testResults.map(ofTest);
  const broken = testExecError !== undefined || (failureMessage && !tests.some(({ status }) => status === "failed"));
  // A file that could not start, or whose process ended, has no tests to count.
  if (broken)
    tests.push({ name: relative(process.cwd(), testFilePath), status: "failed", reason: text([failureMessage]) });
  return tests;
}

function ofTest({ ancestorTitles, title, status, failureMessages, duration }) {
  const full = [...ancestorTitles, title].join(" > ");
  const seconds = (duration ?? 0) / 1000;
  if (status === "passed") return { name: full, status, seconds };
  if (status === "failed") return { name: full, status, reason: text(failureMessages), seconds };
  // A test that another process's filter left out also counts as skipped.
  const { name, reason } = splitReason(full);
  return { name, status: "skipped", reason: reason ?? "no reason given" };
}

const text = (messages) => stripVTControlCharacters(messages.join("\n"));
