"""The loop: choose, propose, gate, train, record, until the budget is used."""

from __future__ import annotations

from ab.gpt.run import Run


def search(run: Run) -> None:
    """Goes through the run from wherever it stands to its end; may be killed at any time and called again."""
    with run.trainers() as trainers:
        run.take_up(trainers)
        run.train_baselines(trainers)
        while run.has_budget(trainers):
            candidate = run.begin()
            reply = run.propose(candidate)
            verdict = run.judge(candidate, reply)
            if verdict.passed:
                run.train(candidate, trainers)
            run.collect(trainers, wait=False)
        run.collect(trainers, wait=True)
        run.hear_the_critic()
