"""Paddle's Momentum refuses a state that was saved before one of its parameters had a gradient.

Saved after a step of p alone, it cannot be loaded again once q has stepped too.
"""

import paddle

p, q = (paddle.create_parameter([1], "float32") for _ in range(2))
optimizer = paddle.optimizer.Momentum(learning_rate=0.5, momentum=0.5, parameters=[p, q])


def step(*moved):
    sum(x.sum() for x in moved).backward()
    optimizer.step()
    optimizer.clear_grad()


step(p)
saved = dict(optimizer.state_dict())
step(p, q)
try:
    optimizer.set_state_dict(saved)
except AssertionError as error:
    words = str(error)
print(words)
assert f"{q.name}_velocity_0 not found" in words  # wanted: q has no velocity again
