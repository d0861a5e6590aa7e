"""Settings of all tests."""

from hypothesis import settings
from thoroughness import at_least

# How long an example takes says how busy the machine is: speed is a matter for benches.
settings.register_profile("krobench", deadline=None, max_examples=at_least(40))
settings.load_profile("krobench")
