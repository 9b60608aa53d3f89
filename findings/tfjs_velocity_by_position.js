// TensorFlow.js 4.22.0: a velocity belongs to a place in the list of gradients, not to a variable.
//
// a = b = 0, lr = 1, momentum 1/2. Gradients a: 8, then b: 1 alone. b's velocity is 1; b = -1.
"use strict";
const assert = require("assert");
const tf = require("@tensorflow/tfjs");

tf.setBackend("cpu").then(() => {
  for (const array of [false, true]) {
    const names = [`a${array}`, `b${array}`];
    const [, b] = names.map((name) => tf.variable(tf.scalar(0), true, name));
    const optimizer = tf.train.momentum(1, 0.5);
    const apply = (name, value) => optimizer.applyGradients(
      array ? [{ name, tensor: tf.scalar(value) }] : { [name]: tf.scalar(value) });
    apply(names[0], 8);
    apply(names[1], 1);
    console.log(b.dataSync()[0]);
    assert.strictEqual(b.dataSync()[0], -5); // wanted -1: half of a's 8 moved b
  }
});
