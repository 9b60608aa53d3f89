"""chainer.optimizers.NesterovAG takes the new velocity where its source has the old one.

x = 0, g = 1, 0, 1, 0, lr = momentum = 1/2. Bengio, Boulanger-Lewandowski and Pascanu 2013, equation
7, gives x = -3/4, -7/8, -27/16, -59/32: the first step is (1 + momentum) lr g. Chainer's is
(1 + momentum + momentum^2) lr g.
"""

import momentum.adapters.chainer as names  # Chainer reads names that NumPy has removed since

names.prepare()

import chainer  # noqa: E402
import numpy as np  # noqa: E402

net = chainer.Link()
with net.init_scope():
    net.p = chainer.Parameter(np.zeros(1))
optimizer = chainer.optimizers.NesterovAG(lr=0.5, momentum=0.5).setup(net)
seen = []
for grad in (1.0, 0.0, 1.0, 0.0):
    net.p.grad = np.full(1, grad)
    optimizer.update()
    seen.append(float(net.p.data[0]))

print(seen)
assert seen == [-0.875, -0.9375, -1.84375, -1.921875]
