"""Quantities as Kubernetes writes them."""

import math

_MIB = 2**20
_FACTORS = {
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
}


def number_of(quantity: str | None) -> float | None:
    """Return the number that a quantity such as ``1930m`` or ``1Gi`` stands for; None for one that
    is empty, or none."""
    if not quantity:
        return None
    number = quantity.rstrip("mkKMGTi")
    try:
        return float(number) * _FACTORS.get(quantity[len(number) :], 1.0)
    except ValueError:
        return None


def go_memory_bytes(text: str | None) -> float | None:
    """Return the bytes of a GOMEMLIMIT such as ``20MiB``; None for one that is empty, or none.

    Go writes MiB where Kubernetes writes Mi.
    """
    return number_of(text.removesuffix("B")) if text else None


def memory_quantity(size_bytes: float, step_mib: int = 16) -> str:
    """Return bytes as a quantity, such as ``192Mi``, rounded up to a multiple of ``step_mib``."""
    return f"{max(1, math.ceil(size_bytes / (step_mib * _MIB))) * step_mib}Mi"


def cpu_quantity(cores: float, step_millicores: int = 50) -> str:
    """Return cores as a quantity, such as ``250m`` or ``2``, rounded up to a multiple of
    ``step_millicores``."""
    # The quotient is rounded first: 0.3 cores over 50m are 6.000000000000001 steps.
    steps = max(1, math.ceil(round(cores * 1000 / step_millicores, 6)))
    millicores = steps * step_millicores
    return f"{millicores // 1000}" if millicores % 1000 == 0 else f"{millicores}m"
