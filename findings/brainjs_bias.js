// brain.js 1.6.1: biases have no momentum, weights have.
//
// x = 0, input 1, delta -1 twice, lr = 1, momentum 1/2: -1, then -1 - 3/2 = -5/2, both.
"use strict";
const assert = require("assert");
const brain = require("brain.js");

const net = new brain.NeuralNetwork({ hiddenLayers: [] });
net.sizes = [1, 1];
net.initialize();
net.trainOpts.learningRate = 1;
net.trainOpts.momentum = 0.5;
net.outputs[0][0] = 1;
net.weights[1][0][0] = net.biases[1][0] = 0;
for (let step = 0; step < 2; step++) {
  net.deltas[1][0] = -1;
  net.adjustWeights();
}
console.log(net.weights[1][0][0], net.biases[1][0]);
assert.strictEqual(net.weights[1][0][0], -2.5);
assert.strictEqual(net.biases[1][0], -2); // wanted -2.5
