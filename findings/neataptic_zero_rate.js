// neataptic 1.4.7: a learning rate of 0 is taken for 0.3.
//
// bias 0, activation 1, target 0, rate 0: it stays 0.
"use strict";
const assert = require("assert");
const { Node } = require("neataptic");

const node = new Node("output");
node.bias = 0;
node.activation = 1;
node.propagate(0, 0, true, 0);
console.log(node.bias);
assert.strictEqual(node.bias, -0.3); // wanted 0
