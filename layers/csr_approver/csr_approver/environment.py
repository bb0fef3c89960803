"""The settings that a program finds in its environment, by a prefix of its own."""

from collections.abc import Mapping


class SettingsError(ValueError):
    """One line: which setting, what it says, what it may say."""


def environment_settings(environment: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The settings in an environment, keyed as on the command line; an empty value counts as unset."""
    return {
        name.removeprefix(prefix).lower().replace("_", "-"): value
        for name, value in environment.items()
        if name.startswith(prefix) and value
    }
