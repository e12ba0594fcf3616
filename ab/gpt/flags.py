"""A function's signature as a command's flags, each of which can also come from a YAML file.

`Annotated[int, "how many"] = 5` after the star is the flag `--name 5` with its help; a parameter before the star is
positional. What cannot be understood names the flag, says what is allowed, and ends with exit code 2.
"""

from __future__ import annotations

import argparse
import difflib
import inspect
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

from ab.gpt.errors import UsageError

Command = Callable[..., int]

_WORDS = {int: "a whole number", float: "a number", str: "a text", Path: "a path", bool: "true or false"}
_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


@dataclass(frozen=True)
class Option:
    """One parameter of a command: what it is called, what it takes, what it means."""

    name: str
    kind: type
    help: str
    default: Any
    choices: tuple[Any, ...] = ()
    several: bool = False
    optional: bool = False
    positional: bool = False
    required: bool = False

    @property
    def flag(self) -> str:
        return self.name if self.positional else "--" + self.name.replace("_", "-")

    @property
    def allowed(self) -> str:
        """What the option takes, in words."""
        one = "one of " + ", ".join(map(str, self.choices)) if self.choices else _WORDS[self.kind]
        return f"{one}, several separated by commas" if self.several else one

    def read(self, text: str) -> Any:
        """The value that a text on the command line stands for."""
        if self.several:
            return [self._read_one(part.strip()) for part in text.split(",") if part.strip()]
        return self._read_one(text)

    def accept(self, value: Any) -> Any:
        """The value that a YAML file gives, in the parameter's own type."""
        if value is None and self.optional:
            return None
        if self.several:
            values = value if isinstance(value, list) else [value]
            return [part for one in values for part in self.read(self._as_text(one))]
        return self._read_one(self._as_text(value))

    def _as_text(self, value: Any) -> str:
        if isinstance(value, (list, dict)) or value is None or (isinstance(value, bool) and self.kind is not bool):
            raise self._refuse(value)
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _read_one(self, text: str) -> Any:
        try:
            if self.kind is bool:
                if text.lower() not in _TRUE | _FALSE:
                    raise ValueError
                return text.lower() in _TRUE
            value = self.kind(text)
        except ValueError:
            raise self._refuse(text) from None
        if self.choices and value not in self.choices:
            raise self._refuse(text)
        return value

    def _refuse(self, value: object) -> UsageError:
        return UsageError(f"{self.flag}: {value!r} is not allowed.", f"It takes {self.allowed}.")


def options_of(command: Command) -> list[Option]:
    """The options that a command's signature describes."""
    hints = typing.get_type_hints(command, include_extras=True)
    return [_option(parameter, hints[name]) for name, parameter in inspect.signature(command).parameters.items()]


def _option(parameter: inspect.Parameter, hint: Any) -> Option:
    text = ""
    if typing.get_origin(hint) is typing.Annotated:
        hint, text = typing.get_args(hint)[:2]
    optional = several = False
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
        optional = True
    if typing.get_origin(hint) is list:
        hint, several = typing.get_args(hint)[0], True
    choices: tuple[Any, ...] = ()
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        hint = type(choices[0])
    needed = parameter.default is inspect.Parameter.empty
    return Option(
        name=parameter.name,
        kind=hint,
        help=text,
        default=None if needed else parameter.default,
        choices=choices,
        several=several or parameter.kind is inspect.Parameter.VAR_POSITIONAL,
        optional=optional,
        positional=parameter.kind is not inspect.Parameter.KEYWORD_ONLY,
        required=needed and parameter.kind is not inspect.Parameter.VAR_POSITIONAL,
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[0].upper()}{message[1:]}.", f"See: {self.prog} --help")


def run(commands: dict[str, Command], argv: Sequence[str], prog: str, version: str, about: str) -> int:
    """The exit code of the command that the arguments name, called with what they say."""
    parser = _Parser(prog=prog, description=about, allow_abbrev=False, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--version", action="version", version=f"{prog} {version}")
    width = max(map(len, commands)) + 2
    listing = "\n".join(f"  {name:<{width}}{_first_line(command)}" for name, command in commands.items())
    parser.add_argument(
        "command", nargs="?", metavar="COMMAND", help=f"one of\n{listing}\n{prog} COMMAND --help says more"
    )
    known = parser.parse_args(argv[:1])
    if known.command is None:
        parser.print_help()
        return 0
    if known.command not in commands:
        raise UsageError(
            f"There is no command {known.command!r}.{_nearest(known.command, list(commands))}",
            f"Commands are: {', '.join(commands)}.",
        )
    command = commands[known.command]
    positional, named = _arguments(command, argv[1:], f"{prog} {known.command}")
    return command(*positional, **named)


def _arguments(command: Command, argv: Sequence[str], prog: str) -> tuple[list[Any], dict[str, Any]]:
    options = options_of(command)
    given = _command_line(command, options, argv, prog)
    file = given.pop("config", None)
    values = {option.name: option.default for option in options}
    if file is not None:
        values |= _yaml_values(options, Path(file))
    values |= given
    for option in options:
        if option.required and values[option.name] is None:
            raise UsageError(f"{option.flag} is missing.", f"It takes {option.allowed}. See: {prog} --help")
    parameters = inspect.signature(command).parameters
    positional: list[Any] = []
    for option in options:
        if option.positional:
            value = values.pop(option.name)
            many = parameters[option.name].kind is inspect.Parameter.VAR_POSITIONAL
            positional.extend((value or []) if many else [value])
    return positional, values


def _command_line(command: Command, options: list[Option], argv: Sequence[str], prog: str) -> dict[str, Any]:
    """What the command line says; what it does not mention is not in it."""
    parser = _Parser(
        prog=prog,
        description=inspect.getdoc(command),
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for option in options:
        told = option.default is not None and option.default is not False and option.default != ""
        shown = option.help + (f" ({_shown(option.default)})" if told else "")
        shown = shown.replace("%", "%%")
        metavar = "|".join(map(str, option.choices)) or option.name.rpartition("_")[2].upper()
        if option.positional:
            many = option.several and not option.required
            parser.add_argument(option.name, nargs="*" if many else "?", metavar=metavar, help=shown)
        elif option.kind is bool and not option.several:
            parser.add_argument(option.flag, action=argparse.BooleanOptionalAction, help=shown)
        else:
            parser.add_argument(
                option.flag, metavar=metavar, help=f"{shown}; {option.allowed}" if option.choices else shown
            )
    parser.add_argument("--config", metavar="FILE", help="a YAML file with any of these options; flags win over it")
    known, unknown = parser.parse_known_args(list(argv))
    if unknown:
        flags = [option.flag for option in options if not option.positional] + ["--config"]
        raise UsageError(
            f"{prog} has no {'flag' if unknown[0].startswith('-') else 'argument'} {unknown[0]!r}."
            f"{_nearest(unknown[0].partition('=')[0], flags)}",
            f"Flags are: {', '.join(flags)}.",
        )
    by_name = {option.name: option for option in options}
    values: dict[str, Any] = {}
    for name, value in vars(known).items():
        if name not in by_name or isinstance(value, bool):
            values[name] = value
        elif isinstance(value, list):
            if value:
                values[name] = [part for text in value for part in by_name[name].read(text)]
        else:
            values[name] = by_name[name].read(value)
    return values


def _yaml_values(options: list[Option], file: Path) -> dict[str, Any]:
    import yaml

    try:
        loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"--config: {file} cannot be read: {error.strerror}.", "Give a YAML file that exists."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"--config: {file} is not YAML: {error}.", "Write one `option: value` a line.") from None
    if loaded is None:
        return {}
    by_name = {option.name: option for option in options}
    if not isinstance(loaded, dict):
        raise UsageError(f"--config: {file} does not hold options.", "Write one `option: value` a line.")
    values: dict[str, Any] = {}
    for key, value in loaded.items():
        name = str(key).replace("-", "_")
        if name not in by_name:
            raise UsageError(
                f"{file}: there is no option {key!r}.{_nearest(name, list(by_name))}",
                f"Options are: {', '.join(by_name)}.",
            )
        try:
            values[name] = by_name[name].accept(value)
        except UsageError as error:
            raise UsageError(f"{file}: {error.what}", error.way_out) from None
    return values


def _first_line(command: Command) -> str:
    return (inspect.getdoc(command) or "").partition("\n")[0]


def _nearest(word: str, words: list[str]) -> str:
    near = difflib.get_close_matches(word, words, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
