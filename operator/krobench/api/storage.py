"""Where an administrator lets results be stored: outside of the cluster, or on a volume.

The chart passes it to the operator, and the operator to its load Jobs. The credentials never are
in it: load Jobs get them from a Secret in the operator's namespace, where no tenant runs pods.
"""

from typing import Annotated

from pydantic import Field, StringConstraints

from krobench.api.administered import Administered
from krobench.api.common import ApiModel, ConfigMapName

STORAGE_VARIABLE = "KROBENCH_STORAGE"
VOLUME_PATH = "/results"
"""Where a load Job's pod has the volume."""
STORAGE_CONFIG_MAP = "krobench-storage"
"""In the namespaces of runs: where their results are stored, without credentials."""
STORAGE_KEY = "storage.json"
STORE_COMPONENT = "store"
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
"""Keys of the Secret, and the environment variables of the load Job."""
SESSION_TOKEN = "AWS_SESSION_TOKEN"  # noqa: S105 - a name

Bucket = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^(\w[-.\w]*(/\w[-.\w]*)*)?$", max_length=256)]


class S3Location(ApiModel):
    """A bucket of S3 or of a server that speaks its protocol."""

    bucket: Bucket
    prefix: Prefix = ""
    """Before the names of all objects. Each cluster needs its own."""
    endpoint: str = ""
    """URL of the server; that of Amazon in this region if empty."""
    region: str = "us-east-1"
    ca_bundle: str = ""
    """PEM certificates of the authorities that signed the server's, besides those of the system."""

    def __str__(self) -> str:
        where = f"s3://{self.bucket}/{self.prefix}".rstrip("/")
        return f"{where} at {self.endpoint}" if self.endpoint else where


class Storage(Administered):
    """Where results are stored besides ConfigMaps: at most one of the two."""

    variable = STORAGE_VARIABLE

    s3: S3Location | None = None
    secret_name: ConfigMapName | None = None
    """Secret in the operator's namespace with the credentials for S3. Without one, they are those
    of the load Job's ServiceAccount or node."""
    reader_secret_name: ConfigMapName | None = None
    """Secret in the namespace of a run with credentials that its users read the bucket with."""
    claim_name: ConfigMapName | None = None
    """PersistentVolumeClaim in the operator's namespace."""

    @property
    def used(self) -> bool:
        return self.s3 is not None or self.claim_name is not None


class StoredAt(ApiModel):
    """Where the files of one run are."""

    s3: S3Location | None = None
    """None for the volume."""
    claim_name: str | None = None
    reader_secret_name: str | None = None
    path: str
    """Of its folder, below the prefix."""
    files: list[str] = Field(default_factory=list)
    """Names in that folder that are stored to the end, without run.json."""
    whole: bool = True
    """Whether run.json in the ConfigMap is whole; if not, that in the folder is."""

    def __str__(self) -> str:
        if self.s3 is None:
            return f"{self.path} on the volume of PersistentVolumeClaim {self.claim_name}"
        folder = "/".join(part for part in (self.s3.bucket, self.s3.prefix, self.path) if part)
        where = f"s3://{folder}"
        return f"{where} at {self.s3.endpoint}" if self.s3.endpoint else where
