"""YAML of which every key is given once: the safe loader would take the last of two without a word."""

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Refuses a key that its mapping holds already."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's own
        """Returns the mapping of a node.

        Raises:
            ConstructorError: when a key is given twice.
        """
        seen = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key_node.value} is given twice", key_node.start_mark
                )
            seen.add(key_node.value)
        return dict(super().construct_mapping(node, deep))


def load_yaml(text: str) -> Any:
    """Returns the values of a YAML text.

    Args:
        text: of the safe part of YAML.

    Raises:
        yaml.YAMLError: when it is no YAML, or gives a key of a mapping twice.
    """
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
