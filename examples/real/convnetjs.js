// Trainer of convnetjs with method sgd, around a network that hands it our parameters and gradients.
"use strict";
const convnetjs = require("convnetjs");
const { serve } = require("../speak");

const facts = {
  dtypes: ["float64"],
  hyper: ["lr", "momentum", "weight_decay"],
  settable: ["lr", "momentum", "weight_decay"],
};

serve(facts, (parameters, hyper) => {
  const list = parameters.map((x) => ({ params: Float64Array.from(x), grads: new Float64Array(x.length) }));
  const net = { forward() {}, backward: () => 0, getParamsAndGrads: () => list };
  const options = ({ lr, momentum, weight_decay }) =>
    ({ learning_rate: lr, momentum, l2_decay: weight_decay });
  const trainer = new convnetjs.Trainer(net, { method: "sgd", batch_size: 1, ...options(hyper) });
  return {
    set: (hyper) => Object.assign(trainer, options(hyper)),
    step(gradients) {
      gradients.forEach((g, i) => list[i].grads.set(g));
      trainer.train();
    },
    parameters: () => list.map((x) => x.params),
  };
});
