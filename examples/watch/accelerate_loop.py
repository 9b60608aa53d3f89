"""accelerate: a training loop whose prepared optimizer is watched."""

import torch
from accelerate import Accelerator

import momentum

accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
rows = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
data = torch.utils.data.DataLoader(rows, 2)
model, optimizer, data, schedule = accelerator.prepare(model, optimizer, data, schedule)

with momentum.watch(optimizer, names=model.named_parameters()) as report:
    for batch in data:
        with accelerator.accumulate(model):
            accelerator.backward(model(batch).square().mean())
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
print(report)
assert report.passed
