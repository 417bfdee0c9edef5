"""The lines that a model card gives for loading a policy, run where a reader has the files."""

import re

import numpy as np
import pytest
from support.exports import Exported

pytestmark = pytest.mark.xdist_group("exported")


@pytest.mark.parametrize("name", ["vectors", "pictures"])
def test_each_way_of_the_card_gives_the_run_s_actions(
    exported: dict[str, Exported], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = exported[name]
    card = (export.folder / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", card, re.S)
    assert len(blocks) == 3
    for block in blocks:
        assert block.count("\n") == 3
        # the first loads by the folder's name, the others by the names of the files in it
        monkeypatch.chdir(export.folder.parent if "load_policy" in block else export.folder)
        names = {"obs": export.obs[0]}
        exec(block, names)
        np.testing.assert_allclose(names["action"], export.policy(export.obs[0]), atol=1e-5)
