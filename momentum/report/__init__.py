"""Reports: results to text for a terminal, a page and a file of JSON lines; pure functions."""
