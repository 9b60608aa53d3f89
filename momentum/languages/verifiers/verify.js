// Judge answers to test vectors: |got - expected| <= bound, for every element of every step.
//
//     node verify.js answers.jsonl accumulated/*.json       (the files that were answered)
//
// An answer is a line {"id": ..., "parameters": [[...], ...]} or {"id": ..., "skipped": "why"}.
// Exit code 0: all within their bounds. 1: one is not. 2: incomplete, or no JSON. 3: all skipped.
"use strict";
const fs = require("fs");

class Unusable extends Error {}

// "-0x1.8p-3" -> -0.1875; the power is taken in two halves, as 2 ** -1074 is the smallest there is.
function number(said, id) {
  if (typeof said === "number") return said;
  const match = /^([+-]?)0x([01])\.?([0-9a-f]*)p([+-]?\d+)$/i.exec(said);
  if (match) {
    const power = Number(match[4]) - 4 * match[3].length;
    const half = Math.trunc(power / 2);
    const size = parseInt(match[2] + match[3], 16) * 2 ** half * 2 ** (power - half);
    return match[1] === "-" ? -size : size;
  }
  const words = { inf: Infinity, "-inf": -Infinity, nan: NaN };
  if (said in words) return words[said];
  if (typeof said !== "string" || !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(said)) {
    throw new Unusable(`${id}: an answer has what is no number`);
  }
  return Number(said);
}

function read(path) {
  try {
    return fs.readFileSync(path, "utf8");
  } catch {
    throw new Unusable(`cannot read ${path}`);
  }
}

// Python writes NaN and Infinity, which are no JSON.
const named = (text) => text.replace(/(?<=[[,]\s*)(-?)(NaN|Inf)(inity)?(?=\s*[\],])/g,
  (_, sign, word) => `"${sign}${word.toLowerCase()}"`);

function parsed(text, path) {
  for (const one of [text, named(text)]) {
    try {
      return Object(JSON.parse(one));
    } catch {
      continue;
    }
  }
  throw new Unusable(`${path}: no JSON`);
}

// The first element beyond its bound, in words; nothing where all are within.
function beyond({ id, expected, bound }, { parameters }) {
  if (!Array.isArray(parameters)) throw new Unusable(`${id}: an answer has no parameters`);
  if (parameters.length !== expected.length) {
    throw new Unusable(`${id}: an answer has another number of steps`);
  }
  let found = "";
  parameters.forEach((row, step) => {
    if (!Array.isArray(row) || row.length !== expected[step].length) {
      throw new Unusable(`${id}: an answer has another number of elements`);
    }
    row.forEach((said, k) => {
      const [got, wanted, most] = [said, expected[step][k], bound[step][k]].map((x) => number(x, id));
      if (!found && !(Math.abs(got - wanted) <= most)) {
        found = `${id}, step ${step + 1}, element ${k}: ${got}, wanted ${wanted} +- ${most}`;
      }
    });
  });
  return found;
}

function verify([path, ...files]) {
  if (!files.length) throw new Unusable("usage: node verify.js answers.jsonl vectors.json...");
  const answers = new Map();
  for (const line of read(path).split("\n").filter((line) => line.trim())) {
    const answer = parsed(line, path);
    if (answers.has(answer.id)) throw new Unusable(`${answer.id} is answered twice`);
    answers.set(answer.id, answer);
  }
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const file of files) {
    const { cases } = parsed(read(file), file);
    if (!Array.isArray(cases)) throw new Unusable(`there are no cases in ${file}`);
    for (const one of cases) {
      const answer = answers.get(one.id);
      if (!answer) throw new Unusable(`${one.id} is not answered`);
      answers.delete(one.id);
      const wrong = answer.skipped === undefined ? beyond(one, answer) : "";
      if (wrong) console.log(wrong);
      count[answer.skipped !== undefined ? "skipped" : wrong ? "failed" : "passed"] += 1;
    }
  }
  for (const id of answers.keys()) throw new Unusable(`${id} is no case of these files`);
  const verdict = count.failed ? "FAILED" : count.passed ? "passed" : "nothing verified";
  console.log(`${verdict}: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  return count.failed ? 1 : count.passed ? 0 : 3;
}

try {
  process.exitCode = verify(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Unusable)) throw error;
  console.error(`verify: ${error.message}`);
  process.exitCode = 2;
}
