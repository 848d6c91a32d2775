"""The one encoding in use."""

from enum import Enum


class Encoding(Enum):
    Raw = 0


class PublicFormat(Enum):
    Raw = 0
