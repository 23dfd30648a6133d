"""A tenant's file as the subject of `explain`."""

from datetime import datetime
from pathlib import Path

from domicile_catalog import Catalogue, Fault
from domicile_catalog.environment import Surroundings, TrustAnchor, no_environment, read_surroundings

from domicile_cli.explanation import FileExplanation, environment_around, explain_file
from domicile_cli.options import USAGE, day_of, fail


def is_a_manifest(subject: str, catalogue: Catalogue) -> bool:
    """Whether a file is meant. A jurisdiction's code is never a file, whatever lies around."""
    path = Path(subject)
    if subject.strip().upper() in catalogue.jurisdictions:
        return False
    if path.is_dir():
        fail(f"{subject} is a folder: name a tenant's file, or `domicile validate` an environment's folder.", USAGE)
    named_so = path.suffix.lower() in (".yaml", ".yml")
    if named_so and not path.exists():
        fail(f"There is no file {subject}.", USAGE)
    return named_so or path.is_file()


def explain_manifest(
    file: Path,
    catalogue: Catalogue,
    *,
    environment: Path | None,
    production: bool,
    anchor: TrustAnchor,
    on: datetime | None,
) -> tuple[FileExplanation, Surroundings]:
    """The file's tenants in the environment that was named, in the one that the file lies in, or in none."""
    folder = environment or environment_around(file)
    faults: list[Fault] = []
    around = no_environment(catalogue, production)
    if folder is not None:
        around = read_surroundings(folder, catalogue, anchor, faults, production=production)
    told = explain_file(file, around, lambda code: day_of(on, catalogue, code), folder=folder, faults=faults)
    return told, around
