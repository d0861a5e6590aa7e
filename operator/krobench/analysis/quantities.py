"""Quantities as Kubernetes writes them."""

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
