"""The Hugging Face Hub: an exported folder goes to a model repository, and comes back from one at a known commit."""

import logging
import os
import re
import shlex
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from ddpg.distribution import install_hint
from ddpg.errors import UserError, first_line, one_line
from ddpg.policies.description import FILE
from ddpg.remote.files import CARD, EXPORTED, PICTURES

log = logging.getLogger(__name__)

NAME = r"[\w.-]{1,96}/[\w.-]{1,96}"


class Published(NamedTuple):
    """A commit of a model repository, and the address where it is seen."""

    commit: str
    url: str


def require_upload(repo: str) -> None:
    """Raise UserError if it is clear beforehand that nothing can be uploaded to USER/NAME."""
    if not re.fullmatch(NAME, repo):
        raise UserError(f"hub={repo} is no name on the Hub; it looks like hub=USER/NAME")
    hub = _library()
    try:
        hub.utils.validate_repo_id(repo)
    except ValueError as error:
        raise UserError(f"hub={repo} is no name on the Hub: {one_line(error)}") from error
    if hub.constants.HF_HUB_OFFLINE:
        raise UserError(f"hub={repo} asks for the network, which HF_HUB_OFFLINE forbids")
    if hub.get_token() is None:
        raise UserError(f"hub={repo} needs a token of the Hub: `hf auth login` stores one, or HF_TOKEN holds it")


def upload(folder: Path, repo: str, private: bool) -> Published:
    """Make the files of the repository USER/NAME those of an exported folder, in one commit.

    The repository is created if there is none, and seen by its owner alone with `private`. Files of an earlier export
    that this one lacks are removed; others are left alone.

    Raises:
        UserError: it did not work, or the repository has another model. The folder stays as it is.
    """
    require_upload(repo)
    hub = _library()
    # by this command, private=true could end in a repository that is public already
    again = "" if private else f"; `hf upload {repo} {shlex.quote(str(folder))} .` uploads it when that is mended"
    with _failures_as_one_line(f"{folder} is not on the Hub as {repo}", repo, again):
        api = hub.HfApi()
        api.create_repo(repo, private=private or None, exist_ok=True)
        if private and not api.repo_info(repo).private:
            raise UserError(f"{repo} is there already and public: private=true needs another name")
        _require_an_export(repo, api.list_repo_files(repo))
        commit = api.upload_folder(
            repo_id=repo,
            folder_path=folder,
            allow_patterns=[*EXPORTED, *PICTURES],
            delete_patterns=[*EXPORTED, *PICTURES],
            commit_message="Upload a policy exported by ddpg-export",
        )
    return Published(commit.oid, commit.commit_url)


def _require_an_export(repo: str, files: Collection[str]) -> None:
    """Raise UserError for a repository with a card that no export wrote, which an upload would replace."""
    if CARD in files and FILE not in files:
        raise UserError(
            f"it has {CARD} without {FILE}, so no export wrote it: remove that file there, or choose another name than "
            f"hub={repo}"
        )


def download(name: str) -> Path:
    """Download the exported policy of USER/NAME[@REVISION]; return its folder in the cache of huggingface_hub.

    The folder belongs to one commit, which is logged. Without a network, or with HF_HUB_OFFLINE, what was downloaded
    before is used.

    Raises:
        UserError: there is no such repository or revision, or it cannot be reached.
    """
    repo, _, revision = name.partition("@")
    if not re.fullmatch(NAME, repo):
        raise UserError(f"hub:{name} is no name on the Hub; it looks like hub:USER/NAME or hub:USER/NAME@REVISION")
    hub = _library()
    with _failures_as_one_line(f"hub:{name} cannot be fetched", repo):
        folder = Path(hub.snapshot_download(repo, revision=revision or None, allow_patterns=list(EXPORTED)))
    log.info("hub:%s is commit %s: hub:%s@%s is this policy for ever", name, folder.name, repo, folder.name)
    return folder


def _library() -> ModuleType:
    """Import huggingface_hub without its telemetry, if nobody has imported it before; UserError if it is missing."""
    variable = "HF_HUB_DISABLE_TELEMETRY"
    chosen = os.environ.get(variable)
    os.environ[variable] = chosen or "1"  # read when huggingface_hub is imported, and never again
    try:
        import huggingface_hub.constants
        import huggingface_hub.errors
        import huggingface_hub.utils  # which it imports only where it needs them
    except ImportError as error:
        raise UserError(f"huggingface_hub is not installed, which the Hub needs: {install_hint('hub')}") from error
    finally:
        if chosen is None:
            del os.environ[variable]
    return huggingface_hub


@contextmanager
def _failures_as_one_line(what: str, repo: str, advice: str = "") -> Iterator[None]:
    """Turn any exception into a UserError that begins with `what`, and ends with `advice` if we did not raise it."""
    bars = _library().utils
    were_off = bars.are_progress_bars_disabled()
    bars.disable_progress_bars()
    try:
        yield
    except UserError as error:
        raise UserError(f"{what}: {error}") from error
    except Exception as error:
        raise UserError(f"{what}: {_reason(error, repo)}{advice}") from error
    finally:
        if not were_off:
            bars.enable_progress_bars()


def _reason(error: Exception, repo: str) -> str:
    """Say what an exception of huggingface_hub means, and what helps."""
    hub = _library()
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, hub.errors.RevisionNotFoundError):
        return "there is no such revision"
    if status == 401 and hub.get_token() is not None and not isinstance(error, hub.errors.RepositoryNotFoundError):
        return "the Hub does not know the token; `hf auth login` stores another one"
    if isinstance(error, hub.errors.RepositoryNotFoundError):
        return f"there is no repository {repo}, or your token does not show it"
    if status == 403:
        return "your token has no right to write there; huggingface.co/settings/tokens makes one that has"
    if isinstance(error, hub.errors.LocalEntryNotFoundError):
        forbidden = hub.constants.HF_HUB_OFFLINE
        why = "HF_HUB_OFFLINE forbids the network" if forbidden else "the Hub cannot be reached"
        return f"{why}, and it was never downloaded here"
    if status is None and type(error).__module__.partition(".")[0].startswith("httpx"):
        return f"the Hub cannot be reached ({first_line(error)})"
    answer = getattr(error, "server_message", None)
    if answer:
        return f"the Hub answers {status}, {' '.join(answer.split())}"
    return one_line(error) if isinstance(error, ValueError) else first_line(error)
