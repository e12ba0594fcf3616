"""Foreign code in its child: the name it is imported by, the memory it used, its own lines of a traceback."""

from __future__ import annotations

import re
import sys

MODULE = "candidate_net"
"""The name under which a network's file is imported."""
_LONGEST = 6_000


def peak_memory() -> int:
    """The most bytes that this process has had at once, on the GPU where it used one."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def last_line(traceback: str) -> int:
    """The line of the network's file at which an error came about, or 0."""
    found = re.findall(rf'File "[^"]*{MODULE}\.py", line (\d+)', traceback)
    return int(found[-1]) if found else 0


def own_lines(traceback: str) -> str:
    """A traceback cut to the candidate's own lines and the error itself."""
    kept, keep = [], False
    for line in traceback.splitlines():
        if line.startswith("  File "):
            keep = f"{MODULE}.py" in line
            line = re.sub(r'"[^"]*/' + MODULE + r'\.py"', "Net file", line)
        elif not line.startswith(" "):
            keep = True
        if keep:
            kept.append(line)
    return "\n".join(kept)[-_LONGEST:]
