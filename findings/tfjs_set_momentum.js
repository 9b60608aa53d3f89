// TensorFlow.js 4.22.0: setMomentum does not change the momentum of the steps.
//
// x = 0, g = 1 twice, lr = 1, momentum 1/2, then 0 by setMomentum: v = 1, then 1; x = -2.
"use strict";
const assert = require("assert");
const tf = require("@tensorflow/tfjs");

tf.setBackend("cpu").then(() => {
  const x = tf.variable(tf.scalar(0), true, "x");
  const optimizer = tf.train.momentum(1, 0.5);
  optimizer.applyGradients({ x: tf.scalar(1) });
  optimizer.setMomentum(0);
  optimizer.applyGradients({ x: tf.scalar(1) });
  console.log(x.dataSync()[0], optimizer.getConfig().momentum);
  assert.strictEqual(optimizer.getConfig().momentum, 0);
  assert.strictEqual(x.dataSync()[0], -2.5); // wanted -2: 1/2 is still the momentum
});
