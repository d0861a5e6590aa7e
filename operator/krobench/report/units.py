"""How reports show numbers: as the sentences in a record do."""

from krobench.model.units import NOT_AVAILABLE, metric, number, percent, rate, seconds, size

__all__ = ["NOT_AVAILABLE", "metric", "number", "percent", "rate", "seconds", "size"]
