"""``soclab.toml``: one typed file for the server, refused early and precisely."""

from soclab_services.config.load import ConfigError, load_config
from soclab_services.config.model import Config

__all__ = ["Config", "ConfigError", "load_config"]
