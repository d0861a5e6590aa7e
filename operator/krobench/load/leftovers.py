"""Objects of every kind, found by labels everywhere: what kro made for instances, prerequisites.

Instances may have children in any namespace and without one, and of any kind. Only metadata is
read, a page at a time.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from krobench.api.common import BALLAST_GROUP
from krobench.kube import paths
from krobench.kube.client import METADATA_LIST, JsonObject, KubeClient
from krobench.kube.errors import ApiError
from krobench.load.loops import at_most

_OWNED_BY_KRO = "kro.run/owned=true"
_INSTANCE_ID = "kro.run/instance-id"
_INSTANCE_NAME = "kro.run/instance-name"

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_CONCURRENCY = 8
_NOT_LISTED = ("events",)
_CLAIMS = ("", "persistentvolumeclaims")
_STATEFUL_SET = ("apps", "StatefulSet")

GroupKind = tuple[str, str]


@dataclass(frozen=True)
class Item:
    """An object that a run created, or kro for it."""

    kind: str
    namespace: str | None
    name: str
    path: str

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)

    @property
    def command(self) -> str:
        """How a user deletes it."""
        parts = self.path.strip("/").split("/")
        resource = parts[-2] if parts[0] == "api" else f"{parts[-2]}.{parts[1]}"
        inside = f" -n {self.namespace}" if self.namespace else ""
        return f"kubectl delete {resource}{inside} {self.name}"


def as_item(entry: JsonObject, kind: str, collection: str) -> Item:
    """Return an object of a list of ``collection``, which is that of the object's namespace."""
    name = entry["metadata"]["name"]
    return Item(kind, namespace_of(entry), name, f"{collection}/{name}")


def namespace_of(entry: JsonObject) -> str | None:
    namespace: str | None = entry["metadata"].get("namespace")
    return namespace


def kinds_created(rgds: Iterable[JsonObject]) -> set[GroupKind]:
    """Return the group and kind of each resource of these RGDs."""
    templates = (
        resource.get("template") or {}
        for rgd in rgds
        for resource in rgd.get("spec", {}).get("resources") or []
    )
    return {
        (str(each.get("apiVersion", "")).rpartition("/")[0], str(each.get("kind", "")))
        for each in templates
    }


@dataclass(frozen=True)
class _Resource:
    """A kind of objects that an API server stores."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool

    def path(self, namespace: str | None = None) -> str:
        if not self.group:
            return paths.core(self.plural, namespace)
        return paths.group(self.group, self.version, self.plural, namespace)


@dataclass
class Children:
    """The children found of a run's instances."""

    items: list[Item] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    """Kinds of which there may be some, but which could not be listed, as the server calls them."""


@dataclass(frozen=True)
class _Owned:
    item: Item
    uid: str
    instance_uid: str
    instance_name: str


class ChildFinder:
    """Finds the children of a run's instances, whether the instances still exist or not."""

    def __init__(self, client: KubeClient, prefix: str) -> None:
        """``prefix`` is what the names of the run's instances begin with."""
        self._client = client
        self._prefix = prefix
        self._resources: list[_Resource] | None = None

    async def find(
        self,
        namespaces: Collection[str],
        created: Collection[GroupKind],
        instances: Collection[str] = (),
    ) -> Children:
        """Return all children of instances with the run's prefix, or with one of these uids.

        ``namespaces`` are searched if a kind may not be listed in all; ``created`` are the kinds
        that the RGDs create: those of them that may not be listed either are named.

        Raises:
            KubeError: if the API server does not answer.
        """
        resources = await self._all_kinds()
        found: list[_Owned] = []
        claims: list[Item] = []
        unlisted: list[_Resource] = []

        async def look(resource: _Resource) -> None:
            is_claim = (resource.group, resource.plural) == _CLAIMS
            listed = await self._list(resource, namespaces, None if is_claim else _OWNED_BY_KRO)
            if listed is None:
                unlisted.append(resource)
            elif is_claim:
                # Made by Kubernetes for StatefulSets, which they outlive; only names tell.
                claims.extend(each.item for each in listed if self._prefix in each.item.name)
            else:
                found.extend(listed)

        await at_most(_CONCURRENCY, look, resources)
        return Children(
            [*self._of_the_run(found, set(instances)), *claims],
            sorted(
                f"{each.plural}.{each.group}" if each.group else each.plural
                for each in unlisted
                if (each.group, each.kind) in created
                or ((each.group, each.plural) == _CLAIMS and _STATEFUL_SET in created)
            ),
        )

    async def labelled(self, selector: str) -> list[Item]:
        """Return the objects with these labels, of every kind that may be listed.

        Raises:
            KubeError: if the API server does not answer.
        """

        async def look(resource: _Resource) -> list[_Owned]:
            return await self._list(resource, (), selector) or []

        listed = await at_most(_CONCURRENCY, look, await self._all_kinds())
        return [each.item for items in listed for each in items]

    async def _all_kinds(self) -> list["_Resource"]:
        if self._resources is None:
            self._resources = await _discover(self._client)
        return self._resources

    def _of_the_run(self, found: Collection[_Owned], parents: set[str]) -> list[Item]:
        """Return the objects below these instances: a child may be an instance of its own."""
        mine: dict[str, Item] = {}
        while True:
            new = [
                each
                for each in found
                if each.item.path not in mine
                and (each.instance_uid in parents or each.instance_name.startswith(self._prefix))
            ]
            if not new:
                return sorted(mine.values(), key=lambda each: each.path)
            mine |= {each.item.path: each.item for each in new}
            parents |= {each.uid for each in new} - {""}

    async def _list(
        self, resource: _Resource, namespaces: Collection[str], selector: str | None
    ) -> list[_Owned] | None:
        """Return a kind's objects; None if it may be listed neither everywhere nor in there."""
        try:
            return await self._pages(resource, None, selector)
        except ApiError as error:
            if error.not_found or error.status == 405:
                return []  # its CRD was deleted meanwhile, or it cannot be listed
            if not (error.forbidden and resource.namespaced and namespaces):
                return None
        try:
            return [
                each
                for namespace in namespaces
                for each in await self._pages(resource, namespace, selector)
            ]
        except ApiError:
            return None

    async def _pages(
        self, resource: _Resource, namespace: str | None, selector: str | None
    ) -> list[_Owned]:
        pages = self._client.pages(resource.path(namespace), selector, accept=METADATA_LIST)
        return [
            _Owned(
                as_item(entry, resource.kind, resource.path(namespace_of(entry))),
                entry["metadata"].get("uid", ""),
                labels.get(_INSTANCE_ID, ""),
                labels.get(_INSTANCE_NAME, ""),
            )
            async for page in pages
            for entry in page
            for labels in [entry["metadata"].get("labels") or {}]
            if selector is not None or self._prefix in entry["metadata"]["name"]
        ]


async def served_ballast(client: KubeClient) -> int:
    """Return how many kinds of the ballast the API server serves."""
    answer = await client.find("/apis", _DISCOVERY) or {}
    return sum(
        len(version.get("resources") or [])
        for group in answer.get("items") or []
        if group["metadata"].get("name", "").endswith(BALLAST_GROUP)
        for version in group.get("versions") or []
    )


async def _discover(client: KubeClient) -> list[_Resource]:
    """Return all kinds that can be listed and deleted, each in its preferred version."""
    found: dict[tuple[str, str], _Resource] = {}
    for base in ("/api", "/apis"):
        answer = await client.find(base, _DISCOVERY) or {}
        for group in answer.get("items") or []:
            name = group["metadata"].get("name", "")
            if name.endswith(BALLAST_GROUP):
                continue  # nobody creates objects of these
            for version in group.get("versions") or []:
                for each in version.get("resources") or []:
                    plural = each["resource"]
                    if plural in _NOT_LISTED or not {"list", "delete"} <= set(each["verbs"]):
                        continue
                    resource = _Resource(
                        name,
                        version["version"],
                        plural,
                        each["responseKind"]["kind"],
                        each["scope"] == "Namespaced",
                    )
                    found.setdefault((name, plural), resource)
    config_maps = _Resource("", "v1", "configmaps", "ConfigMap", True)
    return list(found.values()) or [config_maps]
