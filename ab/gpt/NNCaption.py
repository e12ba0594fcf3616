"""The command line: `python -m ab.gpt.NNCaption`, or `nncaption`. It parses, calls and prints, nothing else.

The commands themselves stand in `ab/gpt/commands/`.
"""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Sequence

from ab.gpt import flags
from ab.gpt.commands import contributing, lemur, networks, proposals, reports, runs, showing
from ab.gpt.errors import NNCaptionError
from ab.gpt.version import __version__

ABOUT = "Grow the LEMUR dataset of neural networks by families of image captioners that a language model designs."

COMMANDS: dict[str, flags.Command] = {
    "doctor": lemur.doctor,
    "bootstrap": lemur.bootstrap,
    "scenes": lemur.scenes,
    "check": networks.check,
    "train": networks.train,
    "score": networks.score,
    "prompt": proposals.prompt,
    "demo": showing.demo,
    "search": runs.search,
    "resume": runs.resume,
    "runs": runs.runs,
    "show": runs.show,
    "report": reports.report,
    "study": reports.study,
    "trials": contributing.trials,
    "contribute": contributing.contribute,
    "ship": contributing.ship,
    "verify": contributing.verify,
}


_PLACE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}
"""A place that cannot be written is the user's to mend, and no defect of ours."""


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 not done and said why, 2 called wrongly, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no arrow gets a question mark
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0].startswith("--") and arguments[0] not in ("--help", "--version"):
        arguments.insert(0, "search")
    try:
        return flags.run(COMMANDS, arguments, "nncaption", __version__, ABOUT)
    except NNCaptionError as error:
        print(f"nncaption: {error.what}", file=sys.stderr)  # noqa: T201
        if error.way_out:
            print(f"  {error.way_out}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough.
        sys.stderr.close()
        return 0
    except OSError as error:
        if error.errno not in _PLACE or not error.filename:
            raise
        print(f"nncaption: {error.filename}: {error.strerror}.", file=sys.stderr)  # noqa: T201
        print("  Nothing is half-written. Mend that, and run the same command again.", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("nncaption: interrupted; nothing is half-written. Run the same command again.", file=sys.stderr)  # noqa: T201
        return 130


if __name__ == "__main__":
    sys.exit(main())
