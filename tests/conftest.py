"""Settings of all tests."""

from hypothesis import settings

# How long an example takes says how busy the machine is: speed is a matter for benches.
settings.register_profile("krobench", deadline=None)
settings.load_profile("krobench")
