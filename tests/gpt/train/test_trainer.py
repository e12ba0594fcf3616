"""Each way a training can end has its name, and what is recorded is what the predictions are worth."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace

import pytest

from ab.gpt.candidate import Outcome
from ab.gpt.isolate.foreign import own_lines
from ab.gpt.isolate.job import IsolationFailed
from ab.gpt.isolate.tree import descendants
from ab.gpt.ledger import Ledger
from ab.gpt.lemur.names import model_name
from ab.gpt.train import trainer
from ab.gpt.train.command import live_lines
from ab.gpt.train.judge import Forged, carried_answers, judge_epoch, read_predictions
from ab.gpt.train.known import Known
from ab.gpt.train.pool import Pool, Task, make_slots
from ab.gpt.train.school import keep
from ab.gpt.train.trainer import train
from ab.gpt.view import View
from tests.conftest import left_running
from tests.gpt.isolate.test_isolate import own_memory
from tests.gpt.train.conftest import QUICK
from tests.gpt.train.nets import net


@pytest.fixture(autouse=True)
def warm_process(warm):
    run.warm = warm


def run(ground, code, settings=QUICK, **more):
    return train(*ground, "Net", code, settings, **{"warm": run.warm, **more})


def test_cold_and_warm_starts_give_the_same(ground):
    cold, warm = run(ground, net(), warm=None), run(ground, net())
    assert warm.ending.outcome is Outcome.TRAINED
    assert cold.epochs[0].predicted == warm.epochs[0].predicted
    assert repr(cold.epochs[0].train_loss) == repr(warm.epochs[0].train_loss)


def test_a_net_that_learns(ground):
    heard = []
    trained = run(ground, net(), replace(QUICK, epochs=2), watch=heard.append)
    assert trained.ending.outcome is Outcome.TRAINED, trained
    assert [epoch.number for epoch in trained.epochs] == [1, 2]
    first, second = trained.epochs
    assert second.train_loss < first.train_loss
    assert 0 < first.duration < second.duration
    assert first.lr == 1e-3 and first.images_per_second > 1 and first.peak_memory > 50 << 20
    assert len(first.predicted) == 24
    assert first.scores.intervals["lemur_bleu"].low <= first.lemur_bleu <= first.scores.intervals["lemur_bleu"].high
    assert trained.parameters == 4000 or trained.parameters > 10_000
    phases = [event["phase"] for event in heard if "phase" in event]
    assert phases[:4] == ["load", "build", "learn", "eval"]
    assert trained.best in trained.epochs and trained.collapsed


def test_the_same_job_twice_gives_the_same_score_to_the_last_digit(ground):
    """With a transform that draws at random, and dropout."""
    code = net(init="self.drop = nn.Dropout(0.3)", learn="self.train()").replace(
        "self.out(states), hidden", "self.out(self.drop(states)), hidden"
    )
    settings = replace(QUICK, epochs=2, transform="echo_32_flip", loader_workers=1)
    first, second = run(ground, code, settings), run(ground, code, settings)
    assert first.ending.outcome is Outcome.TRAINED, first
    assert [e.predicted for e in first.epochs] == [e.predicted for e in second.epochs]
    assert [repr(e.lemur_bleu) for e in first.epochs] == [repr(e.lemur_bleu) for e in second.epochs]
    assert [repr(e.train_loss) for e in first.epochs] == [repr(e.train_loss) for e in second.epochs]
    other = run(ground, code, replace(settings, seed=1))
    assert [e.train_loss for e in other.epochs] != [e.train_loss for e in first.epochs]


@pytest.mark.parametrize(
    ("code", "outcome", "stage", "reason", "evidence"),
    [
        (net(learn="raise ValueError('a mistake')"), Outcome.TRAIN_ERROR, "learn", "ValueError: a mistake", "Net file"),
        (net(forward="images = images[:, :1]"), Outcome.TRAIN_ERROR, "learn", "RuntimeError", "Net file"),
        (net(init="self.start = nn.Linear(31, 64)"), Outcome.TRAIN_ERROR, "learn", "shapes cannot be", "forward"),
        (net(top="import no_such_module"), Outcome.TRAIN_ERROR, "build", "No module named", "no_such_module"),
        (net(top="x = undefined_name"), Outcome.TRAIN_ERROR, "build", "NameError", "undefined_name"),
        (net().replace("class Net", "class Other"), Outcome.TRAIN_ERROR, "build", "", ""),
        (net() + "\ndef broken(:\n", Outcome.SYNTAX, "parse", "SyntaxError", ""),
        (net(learn="for p in self.parameters(): p.data.fill_(float('nan'))"), Outcome.DIVERGED, "learn", "nan", ""),
        (net(learn="self.out.weight.data.fill_(1e38)"), Outcome.DIVERGED, "learn", "loss is", ""),
        (net(forward="if captions is None: return torch.zeros(images.size(0), 5, dtype=torch.long)"),
         Outcome.BELOW_MINIMUM, "eval", "0.0000", ""),
        (net(forward="if captions is None: return torch.full((images.size(0), 5), 10**6)"),
         Outcome.FORBIDDEN, "eval", "1000000", ""),
    ],
)  # fmt: skip
def test_ways_to_end(ground, code, outcome, stage, reason, evidence):
    trained = run(ground, code)
    assert (trained.ending.outcome, trained.ending.stage) == (outcome, stage), trained
    assert reason in trained.ending.reason
    assert evidence in trained.ending.evidence
    assert "lesson.py" not in trained.ending.evidence and "/jobs/" not in trained.ending.evidence


def test_a_batch_that_is_too_large_is_halved_twice_at_most(ground):
    holds = "if captions is not None and 'big' not in vars(self): self.big = torch.ones(images.size(0), 2 ** 26)"
    trained = run(ground, net(forward=holds), replace(QUICK, batch=16, memory_gb=2))
    assert trained.ending.outcome is Outcome.TRAINED, trained.ending
    assert trained.batch == 4
    home, exam = ground
    code = net(forward=holds)
    kept = keep(home, exam, Task(model_name("Halved", code), code), trained, replace(QUICK, batch=16))
    [file] = home.stat_train.glob(f"*_{kept.name}/1.json")
    assert json.loads(file.read_text())[0]["batch"] == 4
    assert trained.notes[-2:] == [
        "out of memory: the batch was halved to 8",
        "out of memory: the batch was halved to 4",
    ]
    never = run(ground, net(init="self.big = torch.ones(2 ** 40)"))
    assert never.ending.outcome is Outcome.SMOKE and "out of memory" in never.ending.reason
    assert never.batch == QUICK.batch // 4


def test_an_epoch_that_would_take_too_long_ends_at_once(ground):
    slow = net(learn="import time as t").replace("loss.backward()", "loss.backward(); __import__('time').sleep(0.4)")
    trained = run(ground, slow, replace(QUICK, batch=4, epoch_minutes=0.1))
    assert trained.ending.outcome is Outcome.TIMEOUT and trained.ending.stage == "learn", trained.ending
    assert "--epoch-minutes is 0.1" in trained.ending.reason and not trained.epochs


def test_a_slow_start_is_no_slow_epoch(ground):
    """Where the first of 16 steps takes five seconds LEMUR would say 14 seconds after six; it is less than eight."""
    starts = net(learn="steps = 0").replace(
        "loss.backward()", "loss.backward(); time.sleep(0 if steps else 5); steps += 1"
    )
    trained = run(ground, starts, replace(QUICK, batch=4, epoch_minutes=0.18))
    assert trained.ending.outcome is Outcome.TRAINED, trained.ending


def test_infrastructure_is_tried_once_more(ground, monkeypatch):
    real, calls = trainer.run, []

    def fails_once(*arguments, **named):
        calls.append(1)
        if len(calls) == 1:
            raise IsolationFailed("the machine was busy", "wait")
        return real(*arguments, **named)

    monkeypatch.setattr(trainer, "run", fails_once)
    trained = run(ground, net())
    assert trained.ending.outcome is Outcome.TRAINED
    assert trained.notes[-1] == "tried again after: the machine was busy"


def test_a_worker_that_is_killed_costs_one_retry_and_is_nobodys_fault(ground):
    trained = run(ground, net(learn="os.kill(os.getpid(), signal.SIGKILL)"))
    assert trained.ending.outcome is Outcome.INFRASTRUCTURE
    assert "SIGKILL" in trained.ending.reason and any("tried again" in note for note in trained.notes)


def test_weights_that_are_not_there_are_named(ground, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    asks = net(init="import torchvision\nself.net = torchvision.models.squeezenet1_1(weights='DEFAULT')")
    trained = run(ground, asks, replace(QUICK, pretrained=True))
    assert trained.ending.outcome is Outcome.TRAIN_ERROR
    assert "squeezenet1_1-b8a52dc0.pth" in trained.ending.reason and "--no-pretrained" in trained.ending.reason
    assert run(ground, asks, replace(QUICK, pretrained=False)).ending.outcome is Outcome.TRAINED


def test_weights_in_torchs_cache_are_used(ground, tmp_path, monkeypatch):
    import subprocess
    import sys

    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    make = "import torch, torchvision, sys; torch.save(torchvision.models.squeezenet1_1().state_dict(), sys.argv[1])"
    subprocess.run([sys.executable, "-c", make, str(cache / "squeezenet1_1-b8a52dc0.pth")], check=True, cwd="/")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    asks = net(init="import torchvision\nself.net = torchvision.models.squeezenet1_1(weights='IMAGENET1K_V1')")
    trained = run(ground, asks, replace(QUICK, pretrained=True))
    assert trained.ending.outcome is Outcome.TRAINED, trained.ending


def test_several_at_once(ground):
    codes = [net(), net(learn="raise ValueError('x')"), net(top="y = 1"), net(learn="os._exit(1)")]
    tasks = [Task(f"Net-{number}", code) for number, code in enumerate(codes)]
    slots = make_slots(2, [])
    assert [slot.gpu for slot in slots] == [None, None] and all(slot.threads >= 1 for slot in slots)
    heard = set()
    pool = Pool(*ground, QUICK, slots, lambda slot, name, event: heard.add((slot, name)))
    outcomes = {task.name: trained.ending.outcome for task, trained in pool.train_all(tasks)}
    assert outcomes == {
        "Net-0": Outcome.TRAINED,
        "Net-1": Outcome.TRAIN_ERROR,
        "Net-2": Outcome.TRAINED,
        "Net-3": Outcome.TRAIN_ERROR,
    }
    assert {slot for slot, _ in heard} == {0, 1} and {name for _, name in heard} == set(outcomes)


def test_a_known_network_captions_many_images_at_once(ground):
    """Of 24 images, where a step learns from five; any other network is shown as many as it learns from."""
    many, few = (
        net(forward=f"assert self.training or images.size(0) in {sizes}, images.shape") for sizes in ((20, 4), (5, 4))
    )
    tasks = [Task("Known", many, known=Known()), Task("Other", few), Task("Wrong", many)]
    pool = Pool(*ground, replace(QUICK, batch=5), make_slots(1, []))
    outcomes = {task.name: trained.ending.outcome for task, trained in pool.train_all(tasks)}
    assert outcomes == {"Known": Outcome.TRAINED, "Other": Outcome.TRAINED, "Wrong": Outcome.TRAIN_ERROR}


def test_leaving_a_pool_early_stops_what_runs(ground):
    tasks = [Task("Fails", net(learn="raise ValueError('x')")), Task("Endless", net(learn="while True:\n    pass"))]
    results = Pool(*ground, QUICK, make_slots(2, [])).train_all(tasks)
    assert next(results)[0].name == "Fails"
    results.close()
    assert threading.active_count() == 1 or not [t for t in threading.enumerate() if t.name.startswith("Thread-serve")]


def test_what_a_network_says_is_no_markup(ground, monkeypatch, caplog):
    """Square brackets come in error messages and replies; on a terminal they once ended a run, or a worker's thread."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    with live_lines(make_slots(1, [])) as watch:
        watch(0, "Net", {"ended": "syntax (parse): S001 `x = (1, [/INST] 2`"})
    view = View()
    with Ledger.create(ground[0].out / "markup", {}) as ledger, view.shown(ledger, make_slots(1, [])):
        view.say("candidate 1: S001 `[/INST]`")

    def fails(slot, name, event):
        raise ValueError("a defect of the view's")

    tasks = [Task("First", "class"), Task("Second", "class")]
    ended = Pool(*ground, QUICK, make_slots(1, []), fails).train_all(tasks)
    assert [(task.name, trained.ending.outcome) for task, trained in ended] == [
        ("First", Outcome.SYNTAX), ("Second", Outcome.SYNTAX),
    ]  # fmt: skip
    assert "a defect of the view's" in caplog.text


def test_slots_for_gpus():
    assert [slot.gpu for slot in make_slots(0, [0, 1])] == [0, 1]
    assert [slot.gpu for slot in make_slots(4, [0, 1])] == [0, 1, 0, 1]
    assert [slot.gpu for slot in make_slots(0, [])] == [None]


def claim(**changes):
    made = {
        "epoch": 1, "lemur_bleu": 0.0, "train_loss": 1.0, "lr": 0.1, "learn_seconds": 1.0, "eval_seconds": 1.0,
        "images_per_second": 5.0, "duration": 10, "peak_memory": 1,
    }  # fmt: skip
    return {**made, **changes}


def test_the_judge_believes_predictions_only(ground):
    _, exam = ground
    said = [[1, 5, 6, 7, 2, 0]] * len(exam.image_ids)
    text = json.dumps(said).encode()
    honest = exam.on_decoys(said)
    assert judge_epoch(exam, claim(lemur_bleu=honest), text, 1).predicted == said
    for changes, why in (
        ({"lemur_bleu": honest + 1e-12}, "tampered with"),
        ({"epoch": 2}, "epoch 2 where epoch 1"),
        ({"duration": -1}, "times"),
        ({"learn_seconds": float("inf")}, "times"),
        ({"learn_seconds": "soon"}, "does not write"),
        ({"tampered": ["torch.no_grad"]}, "torch.no_grad"),
    ):
        with pytest.raises(Forged, match=why):
            judge_epoch(exam, claim(**{"lemur_bleu": honest, **changes}), text, 1)
    with pytest.raises(Forged, match="memorised"):
        true = [captions[0] for captions in exam.references]
        judge_epoch(exam, claim(lemur_bleu=exam.on_decoys(true)), json.dumps(true).encode(), 1)


@pytest.mark.parametrize("text", ["", "{}", "[]", "[[1]]", "null", "[" * 2000, '"x"'])
def test_predictions_that_are_none(ground, text):
    with pytest.raises(Forged):
        read_predictions(ground[1], text.encode())


@pytest.mark.parametrize("caption", [[-1], [10**9], [1.5], [True], ["a"], [None], [0] * 5000, 7])
def test_captions_that_are_none(ground, caption):
    _, exam = ground
    predicted = [[1, 2]] * (len(exam.image_ids) - 1) + [caption]
    with pytest.raises(Forged):
        read_predictions(exam, json.dumps(predicted).encode())


def test_lemurs_models_carry_no_answers(ground):
    home, exam = ground
    for file in home.code_dir("nn").glob("*.py"):
        assert carried_answers(exam, file.read_text()) == "", file


def test_a_traceback_is_cut_to_the_networks_lines():
    text = (
        "Traceback (most recent call last):\n"
        '  File "/a/lesson.py", line 5, in give\n    trainer()\n'
        '  File "/b/candidate_net.py", line 7, in learn\n    self.x\n    ^^^\n'
        '  File "/c/torch/nn.py", line 9, in __getattr__\n    raise\n'
        "AttributeError: no x\n"
    )
    assert own_lines(text) == (
        "Traceback (most recent call last):\n  File Net file, line 7, in learn\n    self.x\n    ^^^\n"
        "AttributeError: no x"
    )


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_hundred_candidates_leave_nothing(ground, warm):
    """Good ones, broken ones and one that must be killed, in a row."""
    codes = [net(), net(learn="raise ValueError('x')"), net(top="x = undefined"), net(learn="os._exit(3)")]
    settings = replace(QUICK, epoch_minutes=0.1)
    run(ground, net(), settings)
    before = set(descendants(os.getpid()))
    handles, memory = len(os.listdir("/proc/self/fd")), own_memory()
    for number in range(100):
        trained = run(ground, codes[number % len(codes)] + f"\n# {number}\n", settings)
        assert trained.ending.outcome in (Outcome.TRAINED, Outcome.TRAIN_ERROR), trained
    assert len(os.listdir("/proc/self/fd")) == handles
    assert own_memory() - memory < 50 << 20
    assert left_running(before, warm.pid) == []
    assert not list((ground[0].out / "nncaption" / "jobs").iterdir())
    print(f"grown by {(own_memory() - memory) / 2**20:.1f} MiB")
