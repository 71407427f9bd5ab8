"""A job type's limits as the leash, which sets them, takes them."""

from domain.process.limits import Limits

NO_LIMITS = Limits(memory=None, processes=None)
"""For programs of our own."""


def in_leash_words(limits: Limits) -> str:
    """The limits that hold for processes, such as "memory=1000000,processes=64"; empty without any."""
    held = {"memory": limits.memory, "file_size": limits.file_size, "processes": limits.processes}
    return ",".join(f"{name}={most}" for name, most in held.items() if most is not None)
