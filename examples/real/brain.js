// NeuralNetwork of brain.js: weights, or with `biases` the biases, of a network for each parameter.
// Its inputs are 1 and its deltas minus our gradients, so that lr * delta * input is lr * gradient.
"use strict";
const brain = require("brain.js");
const { serve } = require("../speak");

const biases = process.argv[2] === "biases";

const facts = {
  dtypes: ["float32"], // the weights are a Float32Array
  hyper: ["lr", "momentum"],
  settable: ["lr", "momentum"],
  empty: false,
};

serve(facts, (parameters, hyper) => {
  const nets = parameters.map((values) => {
    const net = new brain.NeuralNetwork({ hiddenLayers: [] });
    net.sizes = [1, values.length];
    net.initialize();
    net.outputs[0][0] = 1;
    if (biases) net.biases[1].set(values);
    else values.forEach((x, k) => { net.weights[1][k][0] = x; });
    return net;
  });
  const set = ({ lr, momentum }) => nets.forEach((net) => {
    net.trainOpts.learningRate = lr;
    net.trainOpts.momentum = momentum;
  });
  set(hyper);
  return {
    set,
    step: (gradients) => gradients.forEach((g, i) => {
      g.forEach((x, k) => { nets[i].deltas[1][k] = -x; });
      nets[i].adjustWeights();
    }),
    parameters: () => nets.map((net) =>
      biases ? net.biases[1] : net.weights[1].map((row) => row[0])),
  };
});
