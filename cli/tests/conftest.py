"""A copy of the environment that ships, to break."""

import shutil
from pathlib import Path

import pytest

LAB = Path(__file__).parents[2] / "environments" / "lab"


@pytest.fixture
def lab(tmp_path):
    folder = tmp_path / "environments" / "lab"
    shutil.copytree(LAB, folder, ignore=shutil.ignore_patterns("inventory", "cell"))
    (folder / "environment.yaml").write_text("name: lab\nproduction: false\n")  # what it has in a cloud is elsewhere
    return folder
