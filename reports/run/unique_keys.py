"""YAML of which every key is given once and nothing is repeated by an alias, which can make a text endless.

The safe loader would take the last of two equal keys without a word.
"""

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Refuses aliases, and a key that its mapping holds already."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Returns the next node.

        Raises:
            ComposerError: when it is an alias.
        """
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "an alias (*name) is not allowed here", self.get_mark())
        return super().compose_node(parent, index)

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
        yaml.YAMLError: when it is no YAML, is nested too deeply, has an alias, or gives a key of a mapping twice.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
    except (RecursionError, TypeError, ValueError) as error:  # a list as a key, a date that Python cannot hold
        raise yaml.YAMLError(f"it cannot be read ({error})") from error
