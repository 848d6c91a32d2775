"""What a check that fails raises."""


class InvalidTag(Exception):
    """A tag that does not verify."""


class InvalidSignature(Exception):
    """A signature that does not verify."""
