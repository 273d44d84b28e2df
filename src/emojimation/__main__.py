"""The command's entry point: turns errors into one line and an exit code."""

import os
import sys
import traceback
import warnings
from collections.abc import Sequence

from emojimation.errors import InputError

INTERRUPTED = 130  # shell convention: 128 + SIGINT


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0 done, also for no arguments, which ask for the help; 1 some of many failed, 2 a user's mistake or a full disk, 130
    interrupted. `--debug`, anywhere before `--`, shows the traceback of a mistake as well.
    """
    args, debug = _without_debug(list(sys.argv[1:] if argv is None else argv))
    if sys.stdout is None:  # closed by the caller, as in `emojimation ... >&-`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (as long as the process)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # an emoji must not crash a run on an ASCII terminal
            stream.reconfigure(errors="backslashreplace")
    # Pillow warns about harmless flaws, such as damaged EXIF data, and prints its own source line.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    try:
        return _run(args, debug)
    except KeyboardInterrupt:  # as early as during the imports
        return INTERRUPTED


def _run(args: list[str], debug: bool) -> int:
    import typer
    from typer.exceptions import TyperException

    from emojimation.cli.app import app
    from emojimation.cli.printing import writing_out

    try:
        _check_given(args)
        with writing_out():
            code = app(args=args or ["--help"], prog_name="emojimation", standalone_mode=False)
            sys.stdout.flush()
    except typer.Exit as end:
        return end.exit_code
    except InputError as error:
        return _failed(str(error), debug)
    except TyperException as error:
        return _failed(error.format_message(), debug)
    except OSError as error:
        return _failed(f"Expected a file that can be read or written, got {error}.", debug)
    return code if isinstance(code, int) else 0


def _without_debug(args: list[str]) -> tuple[list[str], bool]:
    end = args.index("--") if "--" in args else len(args)
    return [arg for i, arg in enumerate(args) if i >= end or arg != "--debug"], "--debug" in args[:end]


def _check_given(args: list[str]) -> None:
    """Raise InputError for an empty text, which as a path would mean the current folder."""
    if "" in args:
        before = args[: args.index("")]
        place = f" after {before[-1]}" if before else ""
        raise InputError(f"Expected a value{place}, got an empty text. Is a variable of your shell unset?")


def _failed(message: str, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    sys.stderr.write(f"Error: {' '.join(message.split())}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
