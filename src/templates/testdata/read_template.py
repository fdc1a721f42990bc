"""Reads a CloudFormation template with PyYAML and prints it as JSON; a short tag becomes {"!Tag": argument}."""
import json
import sys

import yaml


class Loader(yaml.SafeLoader):
    pass


def tagged(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        argument = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        argument = loader.construct_sequence(node, deep=True)
    else:
        argument = loader.construct_mapping(node, deep=True)
    return {"!" + suffix: argument}


def mapping_without_duplicates(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    if len(keys) != len(set(keys)):
        raise ValueError(f"duplicate keys: {keys}")
    return loader.construct_mapping(node, deep=True)


Loader.add_multi_constructor("!", tagged)
Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping_without_duplicates)

with open(sys.argv[1], encoding="utf-8", newline="") as file:
    print(json.dumps(yaml.load(file, Loader)))
