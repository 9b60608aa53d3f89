// Node.propagate of neataptic: each element is a weight whose input is 1, so that its gradient is
// the node's error, activation - target; with `biases` each is a node's bias.
"use strict";
const { Node } = require("neataptic");
const { serve } = require("../speak");

const biases = process.argv[2] === "biases";

const facts = { dtypes: ["float64"], hyper: ["lr", "momentum"], settable: ["lr", "momentum"] };

function element(x) {
  const node = new Node("output");
  if (biases) {
    node.bias = x;
    return { node, get: () => node.bias };
  }
  const [weight] = new Node("input").connect(node, 1);
  weight.weight = x;
  weight.elegibility = 1;
  return { node, get: () => weight.weight };
}

serve(facts, (parameters, hyper) => {
  const elements = parameters.map((values) => values.map(element));
  return {
    set(now) { hyper = now; },
    step: (gradients) => gradients.forEach((g, i) => g.forEach((x, k) => {
      const { node } = elements[i][k];
      node.activation = 0;
      node.propagate(hyper.lr, hyper.momentum, true, -x);
    })),
    parameters: () => elements.map((row) => row.map((one) => one.get())),
  };
});
