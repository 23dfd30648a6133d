"""Container images, built without a daemon: a prepared root file system copied into an empty image by buildah.

Every image is an OCI layout in the cache, named by a hash of what it is made of. None has a shell or a package
manager; all run as user 10001.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from domicile_lab import tools
from domicile_lab.cache import filled
from domicile_lab.mirror import SUITE
from domicile_lab.paths import Paths
from domicile_lab.shell import Argument, Say, run

USER = 10001
VERSION = "0.1.0"
PYTHON = "3.11"  # Debian 12's
PYTHON_PACKAGES = (
    "python3.11-minimal", "libpython3.11-stdlib", "ca-certificates", "tzdata", "netbase", "libssl3",
    "libsqlite3-0", "zlib1g", "libffi8", "libbz2-1.0", "liblzma5", "libexpat1", "libuuid1", "libstdc++6",
    "libgcc-s1",
)  # fmt: skip
BACKUP = "casino-backup"
"""The casino's image with PostgreSQL's client and restic: what backs a tenant up."""
POSTGRESQL = "15"  # Debian 12's, as the lab's server: the client must not be older
BACKUP_PACKAGES = (f"postgresql-client-{POSTGRESQL}", "restic")
BACKUP_PROGRAMS = (
    f"usr/lib/postgresql/{POSTGRESQL}/bin/pg_dump", f"usr/lib/postgresql/{POSTGRESQL}/bin/pg_restore", "usr/bin/restic",
)  # fmt: skip
RECIPE = "4"  # part of every image's key: raise it when the way of building changes


@dataclass(frozen=True)
class Image:
    """A built (or yet to be built) image: its OCI layout and the name and tag that it gets in a registry."""

    name: str
    tag: str
    layout: Path


@dataclass(frozen=True)
class PythonImage:
    """An image of a workspace member: `sources` are the folders of ours that go in, `module` is what it runs."""

    name: str
    package: str
    module: str
    sources: tuple[str, ...]


CASINO = PythonImage("casino", "casino", "casino", ("app",))
OPERATOR = PythonImage("domicile-operator", "domicile-operator", "domicile_operator", ("operators", "catalog"))


def system_images(paths: Paths) -> tuple[Image, ...]:
    """The images of the Go programs that run as pods. Known before they are built."""
    by_name = {tool.name: tool for tool in tools.load_tools(paths)}
    return tuple(
        Image(name, by_name[name].version, _layout(paths, name, tools.cache_key(paths, by_name[name])))
        for name in ("pause", "coredns", "metrics-server", "skipper")
    )


def _layout(paths: Paths, name: str, key: str) -> Path:
    return paths.cache / "images" / f"{name}-{hashlib.sha256((RECIPE + key).encode()).hexdigest()[:16]}"


def build_system_images(paths: Paths, say: Say) -> tuple[Image, ...]:
    built = system_images(paths)
    for image in built:
        if not image.layout.exists():
            say(f"{image.name}: from scratch")
            _assemble(
                paths,
                image.layout,
                origin="scratch",
                copies=[(paths.bin / image.name, f"/{image.name}")],
                entrypoint=f'["/{image.name}"]',
            )
    return built


def build_python_image(paths: Paths, spec: PythonImage, say: Say) -> Image:
    """Build the image of a workspace member in three layers: Python, its dependencies, our code."""
    requirements = run(
        [
            "uv",
            "export",
            "--quiet",
            "--frozen",
            "--no-dev",
            "--no-emit-workspace",
            "--no-header",
            "--package",
            spec.package,
        ],
        cwd=paths.root,
    )
    base = _python_base(paths, say)
    dependencies = _layout(paths, f"{spec.name}-dependencies", base.name + requirements)
    if not dependencies.exists():
        say(f"{spec.name}: dependencies")
        folder = paths.state / "build" / f"{spec.name}-dependencies"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "requirements.txt").write_text(requirements)
        site = folder / "site-packages"
        _install(site, ["--requirement", str(folder / "requirements.txt"), "--only-binary", ":all:"], paths)
        _byte_compile(paths, site)
        _assemble(paths, dependencies, origin=f"oci:{base.name}", copies=[(site, "/opt/domicile/dependencies")])
    sources = _hash_sources(paths, spec)
    tag = f"{VERSION}-{hashlib.sha256((dependencies.name + sources).encode()).hexdigest()[:12]}"
    layout = paths.cache / "images" / f"{spec.name}-{tag}"
    if not layout.exists():
        say(f"{spec.name}: our code")
        site = paths.state / "build" / spec.name / "site-packages"
        shutil.rmtree(site, ignore_errors=True)
        site.mkdir(parents=True)
        _install(site, ["--no-deps", *(str(paths.root / source) for source in spec.sources)], paths)
        _byte_compile(paths, site)
        _assemble(
            paths,
            layout,
            origin=f"oci:{dependencies.name}",
            copies=[(site, "/opt/domicile/ours")],
            entrypoint=f'["/usr/bin/python3", "-m", "{spec.module}"]',
            environment={
                "PYTHONPATH": "/opt/domicile/ours:/opt/domicile/dependencies",
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONUNBUFFERED": "1",
                "DOMICILE_VERSION": tag,
            },
        )
    return Image(spec.name, tag, layout)


def build_backup_image(paths: Paths, casino: Image, say: Say) -> Image:
    """The casino's image, of the same tag, with what a backup needs besides: two layers over it."""
    key = hashlib.sha256("\n".join((RECIPE, *BACKUP_PACKAGES, *BACKUP_PROGRAMS)).encode()).hexdigest()[:16]
    root = paths.cache / "rootfs" / f"backup-{key}"
    if not root.exists():
        say(f"{BACKUP}: PostgreSQL's client and restic")
        with filled(root) as partial:
            _backup_root(paths, partial)
    layout = paths.cache / "images" / f"{BACKUP}-{casino.tag}-{key}"
    if not layout.exists():
        say(f"{BACKUP}: over {casino.tag}")
        _assemble(
            paths,
            layout,
            origin=f"oci:{casino.layout.name}",
            copies=[(root, "/opt/backup")],
            environment={
                "PATH": "/opt/backup/bin:/usr/bin:/bin",
                "LD_LIBRARY_PATH": "/opt/backup/lib",
            },
        )
    return Image(BACKUP, casino.tag, layout)


def _backup_root(paths: Paths, folder: Path) -> None:
    """`bin` with the programs and `lib` with the libraries that they load, but for those of the C library, which the
    image has. Debian's own package is taken apart, so that none of the rest (perl, readline) comes along."""
    whole = paths.state / "build" / "backup-root"
    shutil.rmtree(whole, ignore_errors=True)
    whole.parent.mkdir(parents=True, exist_ok=True)
    included = ",".join((*BACKUP_PACKAGES, *PYTHON_PACKAGES))
    run(["mmdebstrap", "--variant=extract", f"--include={included}", SUITE, whole], log=paths.logs / "images.log")
    (folder / "bin").mkdir(parents=True)
    (folder / "lib").mkdir()
    for program in BACKUP_PROGRAMS:
        shutil.copy2(whole / program, folder / "bin")
    had = {file.name for file in _python_root(paths).rglob("*.so*")}
    for name, library in _libraries(whole).items():
        if name not in had:
            shutil.copy2(library, folder / "lib" / name)
    shutil.rmtree(whole)


def _libraries(whole: Path) -> dict[str, Path]:
    """The libraries that the programs load, by the names that they load them by, as the loader of their root says."""
    found: dict[str, Path] = {}
    for program in BACKUP_PROGRAMS:
        # A program that is linked statically, as restic is, has nothing to list.
        listed = run(["chroot", whole, "/lib64/ld-linux-x86-64.so.2", "--list", f"/{program}"], check=False)
        for line in listed.splitlines():
            if "=> /" in line:
                name, path = line.split("=>")
                found[name.strip()] = _inside(whole, path.split()[0])
    return found


def _inside(whole: Path, path: str) -> Path:
    """The file that a path of the root leads to, its links followed within the root."""
    here = whole / path.removeprefix("/")
    while here.is_symlink():
        target = here.readlink()
        here = whole / str(target).removeprefix("/") if target.is_absolute() else here.parent / target
    return here


def _hash_sources(paths: Paths, spec: PythonImage) -> str:
    """A hash of every file that git would ship of the sources, so that caches and tests' leavings do not count."""
    digest = hashlib.sha256()
    for source in spec.sources:
        folder = paths.root / source
        for file in sorted((folder / "src").rglob("*")) + sorted((folder / "data").rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(str(file.relative_to(paths.root)).encode() + b"\0" + file.read_bytes())
        digest.update((folder / "pyproject.toml").read_bytes())
    return digest.hexdigest()


def _install(target: Path, what: list[str], paths: Paths) -> None:
    run(
        ["uv", "pip", "install", "--quiet", "--python-version", PYTHON, "--python-platform", "linux",
         "--link-mode", "copy", "--target", target, *what],
        cwd=paths.root, log=paths.logs / "images.log",
    )  # fmt: skip
    for leftover in (".lock", "bin"):
        path = target / leftover
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _byte_compile(paths: Paths, folder: Path) -> None:
    """Compile with the image's own Python: the image's root is read-only, so it could not do so later."""
    root = _python_root(paths)
    mount = root / "mnt"
    run(["mount", "--bind", folder, mount])
    try:
        run(_compile_command(root, "/mnt"))
    finally:
        run(["umount", mount])


def _compile_command(root: Path, folder: str) -> list[Argument]:
    """Byte-compile `folder` of `root` with the Python in it; sources do not change, so their times are not asked."""
    return [
        "chroot", root, "/usr/bin/python3", "-m", "compileall", "-q", "-j", "2",
        "--invalidation-mode", "unchecked-hash", folder,
    ]  # fmt: skip


def _python_key() -> str:
    return hashlib.sha256("\n".join((RECIPE, PYTHON, *PYTHON_PACKAGES)).encode()).hexdigest()[:16]


def _python_root(paths: Paths) -> Path:
    return paths.cache / "rootfs" / f"python-{_python_key()}"


def _python_base(paths: Paths, say: Say) -> Path:
    """The layout of an image with Python and nothing else."""
    layout = _layout(paths, "python", _python_key())
    root = _python_root(paths)
    if not root.exists():
        say("python: root file system")
        with filled(root) as partial:
            run(
                ["mmdebstrap", "--variant=extract", f"--include={','.join(PYTHON_PACKAGES)}", SUITE, partial],
                log=paths.logs / "images.log",
            )
            _strip(partial)
            run(_compile_command(partial, "/usr/lib/python3.11"), check=False)
    if not layout.exists():
        _assemble(paths, layout, origin="scratch", copies=[(root, "/")])
    return layout


def _strip(root: Path) -> None:
    """Take out what a running casino has no use for and an intruder would."""
    for program in [*(root / "usr/bin").iterdir(), *(root / "bin").iterdir(), *(root / "usr/sbin").iterdir()]:
        if program.name != "python3.11":
            program.unlink()
    (root / "usr/bin/python3").symlink_to("python3.11")
    for folder in ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "var/lib/dpkg",
                   "var/cache", "usr/lib/python3.11/pydoc_data", "usr/lib/python3.11/test",
                   "usr/share/perl5"):  # fmt: skip
        shutil.rmtree(root / folder, ignore_errors=True)
    (root / "mnt").mkdir(exist_ok=True)
    etc = root / "etc"
    etc.joinpath("passwd").write_text(f"root:x:0:0::/:/none\ndomicile:x:{USER}:{USER}::/:/none\n")
    etc.joinpath("group").write_text(f"root:x:0:\ndomicile:x:{USER}:\n")
    etc.joinpath("nsswitch.conf").write_text("hosts: files dns\n")


def _assemble(
    paths: Paths,
    layout: Path,
    *,
    origin: str,
    copies: list[tuple[Path, str]],
    entrypoint: str | None = None,
    environment: dict[str, str] | None = None,
) -> None:
    """Make one image layer over `origin` and write the result as an OCI layout."""
    buildah: list[Argument] = [
        "buildah", "--root", paths.cache / "containers", "--runroot", paths.cache / "containers-run",
        "--storage-driver", "overlay",
    ]  # fmt: skip
    log = paths.logs / "images.log"
    # buildah makes an image's name of the layout's path, and cannot take every path: a bare name it can.
    layout.parent.mkdir(parents=True, exist_ok=True)
    container = run([*buildah, "from", "--quiet", origin], log=log, cwd=layout.parent)
    name = container.strip().splitlines()[-1]
    try:
        for source, target in copies:
            run([*buildah, "copy", "--quiet", name, source, target], log=log)
        settings = ["--user", f"{USER}:{USER}", "--os", "linux", "--workingdir", "/"]
        if entrypoint:
            settings += ["--entrypoint", entrypoint, "--cmd", ""]
        for key, value in (environment or {}).items():
            settings += ["--env", f"{key}={value}"]
        run([*buildah, "config", *settings, name], log=log)
        with filled(layout) as partial:
            run([*buildah, "commit", "--quiet", "--format", "oci", "--rm", name, f"oci:{partial}"], log=log)
    except BaseException:
        run([*buildah, "rm", name], check=False)
        raise


def push(paths: Paths, image: Image, registry: str, tag: str) -> None:
    """Copy an image to `registry` (host:port) under `tag`, unless it is there already."""
    script = paths.root / "playbooks" / "roles" / "registry" / "files" / "push-image"
    run([script, image.layout, f"{registry}/{image.name}:{tag}", paths.authorities])
