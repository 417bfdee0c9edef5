"""The artifacts of the W&B server for tests: logged as wandb-core does it, found and downloaded as wandb.Api does."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MADE = "2026-01-01T00:00:00Z"


@dataclass
class ServerArtifact:
    """One version of an artifact; `aliases` are those that it has now."""

    run: str
    collection: str
    version: int
    digest: str
    aliases: set[str]
    files: dict[str, bytes] = field(default_factory=dict)
    manifest: bytes = b""
    committed: bool = False


class ServerArtifacts:
    """Keeps every version by its number as an id; files lie under the addresses that were given for their upload."""

    def __init__(self, url: Callable[[], str]) -> None:
        self.versions: list[ServerArtifact] = []
        self._url = url
        self.operations: dict[str, Callable[[Any], Any]] = {
            "ArtifactType": lambda variables: {"project": {"artifact": None}},
            "CreateArtifact": self._create,
            "CreateArtifactManifest": self._create_manifest,
            "CreateArtifactFiles": self._create_files,
            "CommitArtifact": self._commit,
            "ArtifactByID": self._by_id,
            "ArtifactMembershipByName": self._by_name,
            "FetchArtifactManifest": self._manifest,
            "GetArtifactMembershipFileUrls": self._file_urls,
        }

    def put(self, path: str, content: bytes) -> None:
        """Take what is uploaded to /artifacts/ID/NAME, where an empty name is the manifest."""
        _, _, number, name = path.split("/", 3)
        artifact = self.versions[int(number)]
        if name:
            artifact.files[name] = content
        else:
            artifact.manifest = content

    def get(self, path: str) -> bytes:
        """Return what was uploaded there."""
        _, _, number, name = path.split("/", 3)
        artifact = self.versions[int(number)]
        return artifact.files[name] if name else artifact.manifest

    def _address(self, number: int | str, name: str) -> str:
        return f"{self._url()}/artifacts/{number}/{name}"

    def _create(self, variables: dict[str, Any]) -> Any:
        wanted = variables["input"]
        name = wanted["artifactCollectionName"]
        version = sum(artifact.collection == name for artifact in self.versions)
        aliases = {alias["alias"] for alias in wanted["aliases"]}
        self.versions.append(ServerArtifact(wanted["runName"], name, version, wanted["digest"], aliases))
        number = str(len(self.versions) - 1)
        sequence = {"latestArtifact": None}
        return {"createArtifact": {"artifact": {"id": number, "state": "PENDING", "artifactSequence": sequence}}}

    def _create_manifest(self, variables: dict[str, Any]) -> Any:
        number = variables["artifactID"]
        file = {"id": number, "uploadUrl": self._address(number, ""), "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": number, "file": file}}}

    def _create_files(self, variables: dict[str, Any]) -> Any:
        nodes = [
            {
                "storagePath": spec["name"], "uploadUrl": self._address(spec["artifactID"], spec["name"]),
                "uploadHeaders": [], "uploadMultipartUrls": None, "artifact": {"id": spec["artifactID"]},
            }
            for spec in variables["input"]["artifactFiles"]
        ]  # fmt: skip
        return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}

    def _commit(self, variables: dict[str, Any]) -> Any:
        """Finish a version, which takes its aliases from older ones of its collection, and `latest`."""
        artifact = self.versions[int(variables["artifactID"])]
        artifact.committed = True
        artifact.aliases.add("latest")
        for other in self.versions:
            if other is not artifact and other.collection == artifact.collection:
                other.aliases -= artifact.aliases
        return {"commitArtifact": {"artifact": {"id": variables["artifactID"], "digest": artifact.digest}}}

    def _found(self, collection: str, alias: str) -> int | None:
        for number, artifact in enumerate(self.versions):
            names = {f"v{artifact.version}", *artifact.aliases}
            if artifact.collection == collection and alias in names:
                return number
        return None

    def _by_name(self, variables: dict[str, Any]) -> Any:
        collection, _, alias = variables["name"].partition(":")
        number = self._found(collection, alias)
        if number is None:
            return {"project": {"artifactCollectionMembership": None}}
        artifact = self.versions[number]
        entity = {"name": variables["entity"]}
        project = {"id": "1", "internalId": "1", "name": variables["project"], "entity": entity}
        fields = self._fields(number, project)
        membership = {
            "__typename": "ArtifactCollectionMembership", "id": str(number), "versionIndex": artifact.version,
            "createdAt": MADE, "artifactCollection": fields["artifactSequence"], "artifact": fields,
            "aliases": [
                {"__typename": "ArtifactAlias", "id": name, "alias": name} for name in sorted(artifact.aliases)
            ],
        }  # fmt: skip
        return {"project": {"artifactCollectionMembership": membership}}

    def _by_id(self, variables: dict[str, Any]) -> Any:
        return {"artifact": self._fields(int(variables["id"]), None)}

    def _fields(self, number: int, project: dict[str, Any] | None) -> dict[str, Any]:
        artifact = self.versions[number]
        sequence = {"__typename": "ArtifactSequence", "name": artifact.collection, "project": project}
        return {
            "__typename": "Artifact", "id": str(number), "artifactSequence": sequence,
            "versionIndex": artifact.version, "artifactType": {"name": "model"}, "description": None,
            "metadata": "{}", "ttlDurationSeconds": -2, "ttlIsInherited": True, "tags": [], "historyStep": None,
            "state": "COMMITTED", "size": sum(map(len, artifact.files.values())), "digest": artifact.digest,
            "digestAlgorithm": "MANIFEST_MD5", "commitHash": "c", "fileCount": len(artifact.files),
            "createdAt": MADE, "updatedAt": MADE,
        }  # fmt: skip

    def _manifest(self, variables: dict[str, Any]) -> Any:
        return {"artifact": {"currentManifest": {"file": {"directUrl": self._address(variables["id"], "")}}}}

    def _file_urls(self, variables: dict[str, Any]) -> Any:
        number = self._found(variables["collection"], variables["alias"])
        assert number is not None
        nodes = [
            {"__typename": "File", "name": name, "directUrl": self._address(number, name)}
            for name in json.loads(self.versions[number].manifest)["contents"]
        ]
        files = {"pageInfo": {"endCursor": None, "hasNextPage": False}, "edges": [{"node": node} for node in nodes]}
        collection = {"__typename": "ArtifactSequence", "artifactMembership": {"files": files}}
        return {"project": {"artifactCollection": collection}}
