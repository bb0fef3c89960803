"""What is in the artefact: the code that is here, all that it needs, and bytecode for all of it."""

from _imp import source_hash
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

from csr_approver_local.replay import play
from csr_approver_local.samples import Sample
from tests.artifact.built import BuiltFunctions
from tests.artifact.place import MODULES, PROBE, PROBE_HANDLER, ROOT, built_functions
from tests.artifact.process import Runtime
from tests.support.worlds import WORLD_FOLDER

PACKAGE = ROOT / "layers" / "csr_approver" / "csr_approver"
DENIAL = WORLD_FOLDER.parent / "10-other-nodes-address"
UNCHECKED_HASH = 1  # PEP 552: whoever imports it looks neither at the source nor at its time


@pytest.fixture
def probed(runtime: Runtime) -> Iterator[BuiltFunctions]:
    """The built functions with the probe around their handlers."""
    with built_functions(more=[PROBE], handler=PROBE_HANDLER) as functions:
        yield functions


def test_a_decision_and_its_record_need_nothing_from_outside(probed: BuiltFunctions, runtime: Runtime) -> None:
    play(Sample.load(DENIAL), load=probed.load)
    for name, function in zip(("approver", "denial_recorder"), probed.started, strict=True):
        loaded = {module: Path(file) for module, file in function.invoke(MODULES).result.items() if file}
        places = (probed.layer, probed.code_folder(name), runtime.client, PROBE, loaded["os"].parent)
        assert [file for file in loaded.values() if not any(map(file.is_relative_to, places))] == []
        assert [file for file in loaded.values() if "site-packages" in file.parts] == []
        assert loaded["app"].parent == probed.code_folder(name)
        for module in ("csr_approver", "botocore", "aws_lambda_powertools"):
            assert loaded[module].is_relative_to(probed.layer)


def test_the_package_in_the_layer_is_the_one_here(functions: BuiltFunctions) -> None:
    without_command = {path: text for path, text in contents(PACKAGE).items() if path.parts[0] != "cli"}
    assert contents(functions.layer / PACKAGE.name) == without_command


@pytest.mark.parametrize("name", ["approver", "denial_recorder"])
def test_the_function_is_the_one_here(functions: BuiltFunctions, name: str) -> None:
    assert contents(functions.code_folder(name)) == contents(ROOT / "functions" / name)


def test_every_module_of_the_layer_has_its_bytecode_and_nothing_asks_whether_it_is_current(
    functions: BuiltFunctions,
) -> None:
    sources = list(functions.layer.rglob("*.py"))
    assert len(sources) > 500
    assert [source for source in sources if not has_bytecode(source)] == []


def test_of_ec2_the_layer_knows_one_operation_and_all_of_that(functions: BuiltFunctions) -> None:
    loader = Loader(extra_search_paths=[str(functions.layer / "botocore" / "data")], include_default_search_paths=False)
    built = ServiceModel(loader.load_service_model("ec2", "service-2"))
    whole = ServiceModel(Loader().load_service_model("ec2", "service-2"))
    assert built.operation_names == ["DescribeInstances"]
    ours, botocores = (model.operation_model("DescribeInstances") for model in (built, whole))
    for shape in ("input_shape", "output_shape"):
        assert fields(getattr(ours, shape)) == fields(getattr(botocores, shape))


def fields(shape: Shape) -> object:
    """The type of all that is in it. Raises NoShapeFoundError where something is missing."""
    match shape:
        case StructureShape():
            return {name: fields(member) for name, member in shape.members.items()}
        case ListShape():
            return [fields(shape.member)]
        case _:
            return shape.type_name


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.py")}


def has_bytecode(source: Path) -> bool:
    path = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
    if not path.is_file():
        return False
    magic, flags, digest = (path.read_bytes()[start:end] for start, end in ((0, 4), (4, 8), (8, 16)))
    current = source_hash(int.from_bytes(magic, "little"), source.read_bytes())
    return int.from_bytes(flags, "little") == UNCHECKED_HASH and digest == current
