// Keras' SGD with momentum in JavaScript, behind the process protocol, version 1 (docs/protocol.md).
//
//     momentum check "process:node examples/sgd.js" --as scaled
"use strict";

const facts = {
  protocol: 1,
  dtypes: ["float32", "float64"],
  hyper: ["lr", "momentum", "nesterov"],
  settable: ["lr", "momentum"],
  none_gradients: true,
};

// "-0x1.8p-3" -> -0.1875; the power is taken in two halves, as 2 ** -1074 is the smallest there is.
function number(text) {
  const match = /^(-?)0x([01])\.?([0-9a-f]*)p([+-]\d+)$/.exec(text);
  if (!match) return { inf: Infinity, "-inf": -Infinity, nan: NaN }[text];
  const power = Number(match[4]) - 4 * match[3].length;
  const half = Math.trunc(power / 2);
  const size = parseInt(match[2] + match[3], 16) * 2 ** half * 2 ** (power - half);
  return match[1] ? -size : size;
}

// JSON has no inf, nan or -0; all other numbers it writes without loss.
const text = (x) => (Number.isFinite(x) ? (Object.is(x, -0) ? "-0x0p+0" : x) : String(x).replace("inity", "").toLowerCase());

let run;

function step(gradients) {
  const { round, lr, momentum, nesterov } = run;
  gradients.forEach((row, i) => (row ?? []).map(number).forEach((grad, k) => {
    const push = round(lr * grad);
    const v = round(round(momentum * run.v[i][k]) + push);
    const update = nesterov ? round(round(momentum * v) + push) : v;
    run.theta[i][k] = round(run.theta[i][k] - update);
    run.v[i][k] = v;
  }));
}

function set(hyper) {
  run.lr = number(hyper.lr);
  run.momentum = number(hyper.momentum);
  run.nesterov = hyper.nesterov;
}

function start({ dtype, hyper, parameters }) {
  const theta = parameters.map((p) => p.values.map(number));
  const round = dtype === "float32" ? Math.fround : (x) => x;
  run = { theta, round, v: theta.map((row) => row.map(() => 0)) };
  set(hyper);
}

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const asked = JSON.parse(line);
  let answer = facts;
  if (asked.do === "start") start(asked);
  else if (asked.do === "step") step(asked.gradients);
  else if (asked.do === "set") set(asked.hyper);
  if (asked.do !== "facts") answer = { parameters: run.theta.map((row) => row.map(text)) };
  process.stdout.write(JSON.stringify(answer) + "\n");
});
