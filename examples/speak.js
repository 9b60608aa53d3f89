// A program behind the process protocol, version 2, for Node without any package.
//
//     const { serve, Refused } = require("./speak");
//     serve({ dtypes: ["float64"], hyper: ["lr", "momentum"], settable: ["lr"] }, (parameters, hyper, dtype) => ({
//       step(gradients) { ... },          // an array or null for each parameter
//       parameters() { return [...]; },   // arrays of numbers
//       set(hyper) { ... },               // where rates may change
//     }));
//
// Methods may be async. One that throws Refused says that what is asked is not supported.
"use strict";

class Refused extends Error {}

// "-0x1.8p-3" -> -0.1875; the power is taken in two halves, as 2 ** -1074 is the smallest there is.
function number(text) {
  const match = /^(-?)0x([01])\.?([0-9a-f]*)p([+-]\d+)$/.exec(text);
  if (!match) return { inf: Infinity, "-inf": -Infinity, nan: NaN }[text] ?? text;
  const power = Number(match[4]) - 4 * match[3].length;
  const half = Math.trunc(power / 2);
  const size = parseInt(match[2] + match[3], 16) * 2 ** half * 2 ** (power - half);
  return match[1] ? -size : size;
}

// JSON has no inf, nan or -0; all other numbers it writes without loss.
function text(x) {
  if (Number.isFinite(x)) return Object.is(x, -0) ? "-0x0p+0" : x;
  return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
}

const hyper = (row) => Object.fromEntries(Object.entries(row).map(([name, x]) => [name, number(x)]));

async function state(run) {
  return { parameters: (await run.parameters()).map((row) => Array.from(row, text)) };
}

async function answer(asked, facts, begin, held) {
  if (asked.do === "facts") return { protocol: 2, ...facts };
  if (asked.do === "start") {
    const parameters = asked.parameters.map((p) => p.values.map(number));
    const shapes = asked.parameters.map((p) => p.shape);
    held.run = await begin(parameters, hyper(asked.hyper[0]), asked.dtype, shapes);
    return state(held.run);
  }
  if (asked.do !== "steps") throw new Refused(asked.do);
  const results = [];
  for (const step of asked.steps) {
    if (step.hyper) await held.run.set(hyper(step.hyper[0]));
    if (step.gradients) await held.run.step(step.gradients.map((g) => g && g.map(number)));
    results.push(await state(held.run));
  }
  return { results };
}

async function serve(facts, begin) {
  const held = {};
  for (const name of ["log", "info", "debug"]) console[name] = console.error; // no answers
  const lines = require("readline").createInterface({ input: process.stdin });
  for await (const line of lines) {
    const asked = JSON.parse(line);
    let said;
    try {
      said = await answer(asked, facts, begin, held);
    } catch (error) {
      said = error instanceof Refused ? { skipped: error.message } : { error: `${error}` };
    }
    process.stdout.write(JSON.stringify({ seq: asked.seq, ...said }) + "\n");
  }
}

module.exports = { serve, Refused };
