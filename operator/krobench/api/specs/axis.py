"""What a scale test lets grow."""

from enum import StrEnum


class Axis(StrEnum):
    """What grows from step to step."""

    INSTANCES = "instances"
    RGDS = "rgds"
    RESOURCES_PER_RGD = "resourcesPerRGD"
    DEPENDENCY_DEPTH = "dependencyDepth"
    CEL_EXPRESSIONS = "celExpressions"
    COLLECTION_SIZE = "collectionSize"
    ARRIVAL_RATE = "arrivalRate"
    CONCURRENCY = "concurrency"

    @property
    def of_generator(self) -> bool:
        """Whether it is a setting of ``workload.generator``."""
        return self in (
            Axis.RESOURCES_PER_RGD,
            Axis.DEPENDENCY_DEPTH,
            Axis.CEL_EXPRESSIONS,
            Axis.COLLECTION_SIZE,
        )

    @property
    def whole(self) -> bool:
        """Whether its sizes are whole numbers."""
        return self is not Axis.ARRIVAL_RATE

    @property
    def unit(self) -> str:
        """What is counted, for readers, such as ``instances/s``."""
        return _UNITS[self]


_UNITS = {
    Axis.INSTANCES: "instances",
    Axis.RGDS: "RGDs",
    Axis.RESOURCES_PER_RGD: "resources per RGD",
    Axis.DEPENDENCY_DEPTH: "resources in a chain",
    Axis.CEL_EXPRESSIONS: "CEL expressions",
    Axis.COLLECTION_SIZE: "objects in a collection",
    Axis.ARRIVAL_RATE: "instances/s",
    Axis.CONCURRENCY: "instances at once",
}
