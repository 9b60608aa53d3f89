"""chainer.optimizer_hooks.WeightDecay writes the decay into param.grad.

x = 1, g = 1, rate = 1/4: the gradient reads 5/4 after the step.
"""

import momentum.adapters.chainer as names  # Chainer reads names that NumPy has removed since

names.prepare()

import chainer  # noqa: E402
import numpy as np  # noqa: E402

net = chainer.Link()
with net.init_scope():
    net.p = chainer.Parameter(np.ones(1))
optimizer = chainer.optimizers.MomentumSGD(lr=0.5, momentum=0.5).setup(net)
optimizer.add_hook(chainer.optimizer_hooks.WeightDecay(0.25))
net.p.grad = np.ones(1)
optimizer.update()

print(net.p.grad)
assert net.p.grad.tolist() == [1.25]  # wanted [1]
