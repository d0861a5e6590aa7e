"""The one exception that the command line turns into a sentence for its user."""


class SetupError(Exception):
    """Something about the machine, the arguments or a command that the user has to know.

    The message is printed after ``testbed: `` and must stand on its own.
    """
