"""One engine behind every door: options, checks in child processes, results."""
