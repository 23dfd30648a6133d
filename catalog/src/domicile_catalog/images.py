"""What a container image's version is called, by who installs a release and by who runs it."""


def image_version(image: str) -> str:
    """The tag of an image reference; of a reference by digest, the digest's first 12 digits."""
    if "@" in image:
        return image.rsplit(":", 1)[1][:12]
    last = image.rsplit("/", 1)[-1]
    return last.split(":", 1)[1] if ":" in last else "latest"
