"""``collectors.toml``: one typed file per machine, refused early and precisely."""

from soclab_collectors.config.load import load_config
from soclab_collectors.config.model import Config

__all__ = ["Config", "load_config"]
