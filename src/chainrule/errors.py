"""The errors a user can meet: each is one clear line that names the place, the value and the remedy."""


class ChainruleError(Exception):
    """Any mistake in what chainrule was given; the command line prints its line and exits with code 2."""


class FormulaError(ChainruleError):
    """A formula that is not in the formula language, or can't be evaluated or differentiated."""


class TableError(ChainruleError, ValueError):
    """A table that can't be read, or that doesn't fit its task or its model."""


class SettingsError(ChainruleError, ValueError):
    """A setting with a value it can't have, or settings that contradict each other."""


class ModelFileError(ChainruleError):
    """A file that is not a chainrule model, is damaged, or was written by a newer version."""


class OutputError(ChainruleError):
    """A file that can't be written: it exists, the folder is missing or closed, the disk is full."""


class InconsistentVersionWarning(UserWarning):
    """What was pickled by another version of chainrule is read: like scikit-learn's warning of that name."""
