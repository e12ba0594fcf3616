"""The maintainer's side: everything that is wrong with a clone of LEMUR, or with what a branch brings to it."""

from __future__ import annotations

from pathlib import Path

from ab.gpt.contribute.changes import Changes, changes_since, check_changes
from ab.gpt.contribute.database import check_database
from ab.gpt.contribute.finding import Finding, found, in_order
from ab.gpt.contribute.folders import check_folders
from ab.gpt.contribute.layout import STATISTICS, Tree, model_file
from ab.gpt.contribute.models import CheckCode, Model, check_by_gate, check_models
from ab.gpt.contribute.shares import in_shares
from ab.gpt.gate.contract import CAPTIONING
from ab.gpt.lemur.bootstrap import Progress, silent
from ab.gpt.lemur.names import SPLITTER, Config


def verify(
    repo: Path,
    base: str | None = None,
    *,
    check_code: CheckCode | None = None,
    database: bool = False,
    progress: Progress = silent,
) -> list[Finding]:
    """All findings, errors first; with a base only those in what the work tree changes since it left the base.

    `check_code` is the gate, asked for each captioner, as its contract is theirs. With `database` a database is built
    from the tree and LEMUR asked for its rows. Nothing in the clone is run or changed.
    """
    tree = Tree.checked(repo)
    changes = changes_since(repo, base) if base is not None else None
    models, configs = _scope(tree, changes)
    read: dict[str, Model] = {
        model.name: model for model in in_shares(check_models, tree.models_folder, models, progress=progress)
    }
    findings = [finding for model in read.values() for finding in model.findings]
    findings += check_pairs(tree, set(models), set(configs))
    findings += in_shares(
        check_folders,
        tree.statistics_folder,
        configs,
        (sorted(tree.transforms()), {name: model.hyper_parameters for name, model in read.items()}),
        progress=progress,
    )
    if check_code is not None:
        measured = tree.measured(CAPTIONING.task)
        captioners = [name for name in models if name in measured]
        for done, name in enumerate(captioners):
            progress("checking code", done, len(captioners))
            findings += check_by_gate(tree.models_folder / f"{name}.py", name, check_code)
    if changes is not None:
        findings += check_changes(changes)
    if database:
        findings += check_database(tree, set(configs) if changes is not None else None, progress)
    return in_order(findings)


def _scope(tree: Tree, changes: Changes | None) -> tuple[list[str], list[str]]:
    """The models and the folders of statistics that are looked at."""
    models, configs = tree.models(), tree.configs()
    if changes is None:
        return models, configs
    touched = changes.models()
    return [name for name in models if name in touched], sorted(changes.configs(configs))


def check_pairs(tree: Tree, models: set[str], configs: set[str]) -> list[Finding]:
    """What is wrong between models and statistics: the one without the other, names that clash."""
    findings = []
    all_models, all_configs, metrics = tree.models(), tree.configs(), tree.metrics()
    known = set(all_models)
    measured: dict[tuple[str, str, str], list[Config]] = {}
    with_statistics = set()
    for name in all_configs:
        parts = name.split(SPLITTER)
        place = f"{STATISTICS}/{name}"
        if len(parts) != 4 or not all(parts):
            if name in configs:
                findings.append(found("S001", place, "The name is not made of four parts."))
            continue
        config = Config(*parts)
        with_statistics.add(config.nn)
        measured.setdefault((config.task, config.dataset, config.nn), []).append(config)
        if name in configs and config.nn not in known:
            findings.append(found("S002", place, f"There is no model {config.nn}."))
        if name in configs and config.metric not in metrics:
            findings.append(found("S003", place, f"There is no metric {config.metric}."))
    for same in measured.values():
        if len(same) > 1 and any(str(config) in configs for config in same):
            others = ", ".join(str(config) for config in same[1:])
            sentence = f"The same model, task and data set are measured once more in {others}."
            findings.append(found("S008", f"{STATISTICS}/{same[0]}", sentence))
    findings += [
        found("M005", model_file(name), "It has no statistics.") for name in models if name not in with_statistics
    ]
    for kind, names, chosen in (("model", all_models, models), ("folder", all_configs, configs)):
        by_case: dict[str, list[str]] = {}
        for name in names:
            by_case.setdefault(name.casefold(), []).append(name)
        for alike in by_case.values():
            if len(alike) > 1 and any(name in chosen for name in alike):
                file = model_file(alike[0]) if kind == "model" else f"{STATISTICS}/{alike[0]}"
                findings.append(found("M006", file, f"Its name differs from {alike[1]} only in letter case."))
    return findings
