"""The command behind `run_all.sh`: its arguments, and what a person is told of a mistake.

torch is not imported here, so that a call that has nothing to do ends in seconds.
"""

import argparse
import errno
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from fada_lib import files
from fada_lib.parameters import UserError
from fada_lib.study import runner
from fada_lib.study.expand import expand
from fada_lib.study.plan import Plan

BEYOND_US = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENAMETOOLONG)
"""What a file system may answer through no fault of the code: it gets a line, all else a traceback."""


class Stopped(Exception):
    """The person, or the system, asked to stop."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of a page."""

    def error(self, message: str) -> NoReturn:
        """Raise `UserError` with argparse's message."""
        raise UserError(f"{message}; ./run_all.sh --help lists the options")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 a run failed or differs, 2 wrong input, 130 stopped."""
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _stop)
    try:
        return _run(_parse(arguments))
    except UserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # who reads has seen enough, as `| head` does; the interpreter would complain at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 130
    except OSError as error:
        if error.errno not in BEYOND_US:
            raise
        place = f"{error.filename}: " if error.filename else ""
        print(f"error: {place}{error.strerror}; mend this and give the same command", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Stopped):
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="run_all.sh", add_help=False, allow_abbrev=False)
    parser.add_argument("params", nargs="*")
    parser.add_argument("--seeds", type=_numbers)
    parser.add_argument("--methods", type=_names)
    parser.add_argument("--output", default=str(files.PROJECT_ROOT / "results"))
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--clean", action="store_true")
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--verify", action="store_true")
    options = parser.parse_args(arguments)
    if options.jobs is not None and options.jobs < 1:
        raise UserError(f"--jobs must be at least 1, not {options.jobs}")
    if not options.output:
        raise UserError("--output is empty: name a folder, or leave it out for results/")
    return options


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(f"--seeds must be whole numbers such as 0,1,2, not '{text}'") from error


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UserError("--methods is empty: write names of the study's section 'methods', as in binary,fada_soft")
    return names


def _run(options: argparse.Namespace) -> int:
    output = Path(options.output).expanduser()
    if options.tables:
        from fada_lib.study.paper import write_paper_tables  # matplotlib and pandas: a second that others need not wait

        print(f"tables: {write_paper_tables(output)}")
        return 0
    studies = _studies(options, output)
    if options.reference:
        from fada_lib.study.reference import write_reference  # as above

        for plan, params in studies:
            planned = {run.id for run in expand(params, output).runs}
            print(f"reference: {write_reference(plan.folder, params, planned)}")
        return 0
    if options.verify:
        from fada_lib.study.verify import tell, verify  # as above

        return int(not all([tell(plan.study, verify(plan, params)) for plan, params in studies]))
    if len(studies) > 1 or options.dry_run:
        runner.tell_cost([plan for plan, _ in studies], options.jobs, options.fresh)
    if options.dry_run:
        for plan, params in studies:
            runner.tell_plan(plan, params, options.clean, options.fresh)
        return 0
    return max([runner.run_study(plan, params, options.jobs, options.clean, options.fresh) for plan, params in studies])


def _studies(options: argparse.Namespace, output: Path) -> list[tuple[Plan, Path]]:
    """Every study that was asked for with its file, all expanded, and refused if need be, before any of them runs."""
    studies: dict[str, tuple[Plan, Path]] = {}
    for name in options.params or [str(files.PROJECT_ROOT / "params" / "default.yaml")]:
        params = Path(name)
        if not params.exists() and (files.PROJECT_ROOT / params).exists():
            params = files.PROJECT_ROOT / params
        plan = expand(params, output, options.seeds, options.methods)
        if plan.study in studies:
            raise UserError(f"{params} and {studies[plan.study][1]} are both study '{plan.study}': name one of them")
        studies[plan.study] = plan, params
    return list(studies.values())


def _stop(*_: object) -> None:
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
