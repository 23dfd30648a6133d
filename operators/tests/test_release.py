"""What installs a release and what runs it agree on the name of a version."""

import pytest
from domicile_infra.plan import manifests
from domicile_operator import plan


@pytest.mark.parametrize(
    "image",
    [
        "casino",
        "registry.test/casino:0.1.0-abc",
        "registry.test:5000/casino",
        "registry.test:5000/casino:lab",
        "registry.test/casino@sha256:" + "a1" * 32,
    ],
)
def test_the_version_of_an_image_is_the_same_to_both(image: str) -> None:
    assert manifests.image_version(image) == plan.image_version(image)
