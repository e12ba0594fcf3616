"""Studies: a grid of runs with matched budgets, carried out as one piece of work and compared."""
