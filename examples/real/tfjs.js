// tf.train.momentum of TensorFlow.js; gradients as an object, or as an array with `array`.
"use strict";
const tf = require("@tensorflow/tfjs");
const { serve } = require("../speak");

const array = process.argv[2] === "array";
let runs = 0;

const facts = {
  dtypes: ["float32"],
  hyper: ["lr", "momentum", "nesterov"],
  settable: ["lr", "momentum"],
  none_gradients: true,
};

serve(facts, async (parameters, hyper, dtype, shapes) => {
  await tf.setBackend("cpu");
  runs += 1;
  const variables = parameters.map((values, i) =>
    tf.variable(tf.tensor(values, shapes[i], "float32"), true, `p${runs}_${i}`));
  const optimizer = tf.train.momentum(hyper.lr, hyper.momentum, hyper.nesterov);
  return {
    step(gradients) {
      const named = gradients.map((g, i) =>
        ({ name: variables[i].name, tensor: g && tf.tensor(g, shapes[i], "float32") }));
      const given = named.filter(({ tensor }) => tensor);
      // As optimizer.minimize gives them: without those that have no gradient.
      optimizer.applyGradients(
        array ? given : Object.fromEntries(given.map(({ name, tensor }) => [name, tensor])));
    },
    set(hyper) {
      optimizer.setLearningRate(hyper.lr);
      optimizer.setMomentum(hyper.momentum);
    },
    parameters: () => variables.map((x) => x.dataSync()),
  };
});
