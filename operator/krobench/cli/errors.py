"""How commands fail."""


class CliError(Exception):
    """A command cannot do its work; the message is for the user."""


class NoKeptRunsError(CliError):
    """Nothing is kept of this name."""
