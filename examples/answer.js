// Answers to test vectors, by torch's SGD with momentum in plain JavaScript: one line for each case.
//
//     momentum vectors write vectors --as torch
//     node examples/answer.js vectors/accumulated/*.json > answers.jsonl
//     momentum vectors verify answers.jsonl
"use strict";
const fs = require("fs");

const FORMATS = { float64: (x) => x, float32: Math.fround };

// "-0x1.8p-3" -> -0.1875; the power is taken in two halves, as 2 ** -1074 is the smallest there is.
function number(text) {
  const [, sign, whole, rest, exponent] = /^(-?)0x([01])\.?([0-9a-f]*)p([+-]\d+)$/.exec(text);
  const power = Number(exponent) - 4 * rest.length;
  const half = Math.trunc(power / 2);
  const size = parseInt(whole + rest, 16) * 2 ** half * 2 ** (power - half);
  return sign ? -size : size;
}

// Your own step goes here: one element, its gradient, its velocity (undefined before the first step).
function update(theta, grad, v, h, round) {
  let d = h.maximize ? -grad : grad;
  d = round(d + round(h.weight_decay * theta));
  if (!h.momentum) return [round(theta - round(h.lr * d)), v];
  const pushed = round(round(1 - h.dampening) * d);
  v = v === undefined ? d : round(round(h.momentum * v) + pushed);
  const moved = h.nesterov ? round(d + round(h.momentum * v)) : v;
  return [round(theta - round(h.lr * moved)), v];
}

function answer({ id, dtype, hyper, start, gradients }) {
  const round = FORMATS[dtype];
  if (!round) return { id, skipped: `no ${dtype}` };
  let theta = start.map(number), v = theta.map(() => undefined);
  const parameters = hyper.map((h, step) => {
    gradients[step]?.forEach((g, k) => {
      [theta[k], v[k]] = update(theta[k], number(g), v[k], h, round);
    });
    return [...theta];
  });
  return { id, parameters };
}

for (const path of process.argv.slice(2)) {
  for (const one of JSON.parse(fs.readFileSync(path, "utf8")).cases) {
    console.log(JSON.stringify(answer(one)));
  }
}
