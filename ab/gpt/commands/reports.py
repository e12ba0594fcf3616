"""What was found: `report`, `study`."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated


def report(
    *runs: Annotated[str, "names of runs, or the beginnings of them; the latest if not given"],
    out: Annotated[Path | None, "the folder to write to; `report` in the run's folder if not given"] = None,
    lemur: Annotated[bool, "report on all captioning families in LEMUR's database instead of a run"] = False,
    json: Annotated[bool, "print the tables and the files' names as JSON"] = False,
) -> int:
    """Writes a page on what runs have found, with its figures as SVG and PNG and its tables as CSV, Markdown, LaTeX.

    The page is one file that needs no network. It can be made while the run goes on.
    """
    from ab.gpt.errors import UsageError
    from ab.gpt.lemur.home import find_home
    from ab.gpt.progress import bar
    from ab.gpt.report import from_lemur
    from ab.gpt.report.reading import read_facts
    from ab.gpt.report.report import write_report
    from ab.gpt.runs import find_run, runs_folder

    if lemur and runs:
        raise UsageError("--lemur: runs are given as well.", "Report on LEMUR's database, or on runs.")
    home = find_home()
    with bar() as progress:
        if lemur:
            folder = out or runs_folder(home) / "lemur-report"
            facts = from_lemur.read_facts(home, progress)
            written = write_report(home, facts, folder, progress, from_lemur.METHOD, str(home.db_file))
        else:
            folders = [find_run(home, name) for name in dict.fromkeys(runs or ("latest",))]
            folder = out or folders[0] / "report"
            written = write_report(home, read_facts(folders), folder, progress)
    if json:
        about = {"page": str(written.page), "bytes": written.bytes, "files": [str(file) for file in written.files]}
        print(json_format.dumps({**about, **written.tables.as_json()}, indent=2))  # noqa: T201
    else:
        size = f"{written.bytes / 1e6:.1f} MB"
        print(f"{written.page} ({size}), {len(written.files) - 1} figures and tables beside it")  # noqa: T201
    return 0


def study(
    file: Annotated[Path, "a YAML file that says what is varied; see docs/studies"],
    *,
    run: Annotated[bool, "run the arms that are not done; without it, report on what is there"] = True,
    plan: Annotated[bool, "list the arms, and do nothing"] = False,
    out: Annotated[Path | None, "the folder of the report; `studies/NAME` beside the runs if not given"] = None,
    json: Annotated[bool, "print the arms, the findings and the files' names as JSON"] = False,
) -> int:
    """Runs a grid of runs with matched budgets, and compares the arms: Fisher's test, paired bootstrap, corrected.

    It may be stopped, or killed, at any time: the same command goes on.
    """
    import shutil
    import sys

    from ab.gpt.lemur.home import find_home
    from ab.gpt.progress import bar
    from ab.gpt.report.study.arms import arm_state, run_arms
    from ab.gpt.report.study.study import check_study, read_study
    from ab.gpt.report.study.write import write_study
    from ab.gpt.runs import runs_folder

    home = find_home()
    made = check_study(read_study(file), home)
    states = {arm.name: arm_state(home, arm) or "not begun" for arm in made.arms}
    if plan:
        if json:
            print(json_format.dumps([{"name": a.name, **a.at, "state": states[a.name]} for a in made.arms], indent=2))  # noqa: T201
        else:
            for arm in made.arms:
                print(f"{arm.name}: {states[arm.name]}")  # noqa: T201
        return 0
    if run:
        run_arms(made, home, say=lambda text: print(text, file=sys.stderr))  # noqa: T201
    folder = out or runs_folder(home) / "studies" / made.name
    with bar() as progress:
        written = write_study(home, made, folder, progress)
    shutil.copyfile(file, folder / "study.yaml")
    said = [one.text for one in written.said]
    if json:
        about = {"page": str(written.page), "bytes": written.bytes, "files": [str(one) for one in written.files]}
        print(json_format.dumps({**about, "findings": said, **written.tables.as_json()}, indent=2))  # noqa: T201
    else:
        print("\n".join([*said, str(written.page)]))  # noqa: T201
    return 0
