"""A Pulumi project in a folder of its own, worked on by the real engine with the lab's plugins."""

import os
import subprocess
from pathlib import Path

BIN = Path(__file__).parents[1] / "cloud" / "bin"
"""The launchers of the lab's plugins."""


def tool(name: str) -> str:
    """A program of the folder that DOMICILE_TOOLS names. Fails, saying what is missing."""
    folder = os.environ.get("DOMICILE_TOOLS")
    if not folder:
        raise AssertionError("DOMICILE_TOOLS is not set: name the folder that `make tools` fills (.lab/bin).")
    path = Path(folder) / name
    if not path.exists():
        raise AssertionError(f"{path} is missing. `make tools` builds it.")
    return str(path)


class Project:
    """Files, a file backend and a stack `test`. Nothing is shared with another project or with the user's home."""

    def __init__(self, folder: Path, program: str, **runtime_options: str) -> None:
        self.folder = folder
        options = "".join(f"\n    {k}: {v}" for k, v in runtime_options.items())
        self.write(
            "Pulumi.yaml",
            "name: trial\nmain: infra\nstackConfigDir: environments\nruntime:\n  name: python\n"
            + (f"  options:{options}\n" if options else ""),
        )
        self.program(program)
        for name in ("home", "environments"):
            (folder / name).mkdir()
        self.environment = os.environ | {
            "PATH": f"{Path(tool('pulumi')).parent}:{BIN}:{os.environ['PATH']}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder}/home",
            "PULUMI_CONFIG_PASSPHRASE": "of the test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        self.pulumi("stack", "init", "test")

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def program(self, text: str) -> None:
        """Write the program anew."""
        self.write("infra/__main__.py", text)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """`pulumi ...`, started in a process group of its own, both outputs in one pipe."""
        return subprocess.Popen(
            [tool("pulumi"), *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def pulumi(self, *arguments: str, fails: bool = False) -> str:
        """What `pulumi ...` prints, both outputs; an AssertionError when it fails, or with `fails` when it does not."""
        process = self.start(*arguments)
        try:
            output, _ = process.communicate(timeout=120)
        finally:
            process.kill()
        assert (process.returncode != 0) == fails, f"pulumi {' '.join(arguments)}: {process.returncode}\n{output}"
        return output
