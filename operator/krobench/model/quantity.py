"""Quantities as Kubernetes writes them: cores, and bytes."""

import math

_BYTES = {
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
}
_MIB = 2**20


def cores_of(quantity: str | None) -> float | None:
    """Return cores from a quantity such as ``2`` or ``1930m``; None for what is no such."""
    if not quantity:
        return None
    try:
        return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)
    except ValueError:
        return None


def bytes_of(quantity: str | None) -> float | None:
    """Return bytes from a quantity such as ``1Gi`` or ``500M``; None for what is no such."""
    if not quantity:
        return None
    suffix = next((each for each in _BYTES if quantity.endswith(each)), "")
    try:
        return float(quantity.removesuffix(suffix)) * _BYTES.get(suffix, 1)
    except ValueError:
        return None


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
