"""Run one Pulumi program in this process. The language host starts it; it is no command for people.

It runs under the program's own interpreter, which need not have anything of ours: it imports the standard library and
`pulumi`, and is started by path. Python's `-P` keeps this folder, whose names shadow others', out of its search path.

Arguments: monitor and engine addresses, project, stack, organization, parallel, dry run ("true" or "false"), the
project's root folder, the program, then the program's own arguments. Configuration comes in PULUMI_CONFIG and
PULUMI_CONFIG_SECRET_KEYS, as JSON, which is also where `pulumi.Config` of a process that the program starts looks.

Exit codes: what the program gives `sys.exit`, 0 when it ran, REPORTED when it failed and the engine was told why.
"""

import asyncio
import runpy
import signal
import sys
import traceback
from pathlib import Path

REPORTED = 32
"""The program failed and the fault has been shown: the engine must not add one of its own. The real host's number."""


def main(arguments: list[str]) -> int:
    monitor, engine, project, stack, organization, parallel, dry_run, root, program, *rest = arguments
    # A cancelled update interrupts the whole process group; the program ends by the signal, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.argv = [program, *rest]
    folder = Path(program) if Path(program).is_dir() else Path(program).parent
    sys.path.insert(0, str(folder))

    import pulumi
    import pulumi.runtime

    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env())
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=project,
            stack=stack,
            monitor=monitor,
            engine=engine,
            parallel=int(parallel),
            dry_run=dry_run == "true",
            organization=organization,
            root_directory=root,
        )
    )
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: run(program)))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return REPORTED
    except Exception as error:
        pulumi.log.error(f"Program failed with an unhandled exception:\n{own_traceback(error, program)}")
        return REPORTED
    finally:
        finish(loop)
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def run(program: str) -> None:
    """Run `program`, a file or a folder with `__main__.py`, as `__main__`."""
    runpy.run_path(program, run_name="__main__")


def finish(loop: asyncio.AbstractEventLoop) -> None:
    """Close `loop`. A program that left by sys.exit has calls under way; their loss is no news to anybody."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.close()


def own_traceback(error: Exception, program: str) -> str:
    """The traceback of `error`, from the program's first frame on where one is in it."""
    start = error.__traceback__
    # The frames above are this file's, runpy's and the event loop's: nothing that the program's author can act on.
    while start is not None and not Path(start.tb_frame.f_code.co_filename).is_relative_to(Path(program).resolve()):
        start = start.tb_next
    shown = start if start or isinstance(error, SyntaxError) else error.__traceback__
    return "".join(traceback.format_exception(type(error), error, shown))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
