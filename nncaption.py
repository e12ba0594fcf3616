"""Starts NN-Caption's command line without paying for an import of LEMUR first.

Whichever of LEMUR, NNGPT and NN-Caption was installed last owns the file `ab/__init__.py`. LEMUR's imports `ab.nn`,
and with it torch and a database. This module puts a plain package `ab` in its place before anything asks for it.
"""

import pkgutil
import sys
import types


def light_ab() -> None:
    """Makes `import ab` free of charge in this process, with the path that the real package would have."""
    if "ab" in sys.modules:
        return
    ab = types.ModuleType("ab")
    ab.__path__ = pkgutil.extend_path([], "ab")
    sys.modules["ab"] = ab


def main() -> int:
    """The exit code of the command line."""
    light_ab()
    from ab.gpt.NNCaption import main as command_line

    return command_line()


if __name__ == "__main__":
    sys.exit(main())
