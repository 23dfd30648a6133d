"""Makes a Catalogue of the data files, or one error that lists every fault in them."""

import functools
import hashlib
import json
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter

from domicile_catalog.checks import cross_check
from domicile_catalog.controls import Control, ControlId
from domicile_catalog.documents import DataError, Fault, located, parse, read_mapping
from domicile_catalog.forms import CurrencyCode, Frozen
from domicile_catalog.model import (
    Catalogue,
    ClassRule,
    ClassTraits,
    CurrencyExponent,
    JurisdictionRecord,
    MethodTraits,
    Partition,
    PersonalDataLaw,
    Place,
    Region,
    Territory,
)
from domicile_catalog.vocabulary import DataClass, PaymentMethod, Residency

M = TypeVar("M", bound=BaseModel)


class CatalogueError(DataError):
    """The catalogue's files contradict their form or each other."""


class GroundFile(Frozen):
    """territories.yaml"""

    territories: tuple[Territory, ...]
    regions: tuple[Region, ...]


class PlacesFile(Frozen):
    """places/*.yaml"""

    partitions: dict[str, Partition]
    regions: tuple[Place, ...]


class ResidencyFile(Frozen):
    """residency.yaml: every kind of rule, every class of data"""

    rules: dict[Residency, dict[DataClass, ClassRule]]


class CurrenciesFile(Frozen):
    """currencies.yaml"""

    exponents: dict[CurrencyCode, CurrencyExponent]


class DataClassesFile(Frozen):
    """data_classes.yaml: every class of data"""

    classes: dict[DataClass, ClassTraits]


class PaymentMethodsFile(Frozen):
    """payment_methods.yaml: every method"""

    methods: dict[PaymentMethod, MethodTraits]


class TransfersFile(Frozen):
    """transfers.yaml"""

    laws: tuple[PersonalDataLaw, ...]


class ControlsFile(Frozen):
    """controls.yaml"""

    controls: dict[ControlId, Control]


@functools.cache
def load_catalogue(folder: Path | None = None) -> Catalogue:
    """The catalogue that ships with this package, or the one in `folder`; read once for each folder.

    Raises CatalogueError, whose `faults` list everything that is wrong.
    """
    root = folder or data_folder()
    faults: list[Fault] = []
    jurisdictions = {
        path.stem: _read(JurisdictionRecord, path, root, faults)
        for path in sorted((root / "jurisdictions").glob("*.yaml"))
    }
    if not jurisdictions:
        faults.append(Fault("jurisdictions", "", "has no files", "one <code>.yaml for each jurisdiction"))
    ground = _read(GroundFile, root / "territories.yaml", root, faults)
    clouds = [_read(PlacesFile, path, root, faults) for path in sorted((root / "places").glob("*.yaml"))]
    residency = _read(ResidencyFile, root / "residency.yaml", root, faults, inside="rules")
    currencies = _read(CurrenciesFile, root / "currencies.yaml", root, faults, inside="exponents")
    classes = _read(DataClassesFile, root / "data_classes.yaml", root, faults, inside="classes")
    methods = _read(PaymentMethodsFile, root / "payment_methods.yaml", root, faults, inside="methods")
    controls = _read(ControlsFile, root / "controls.yaml", root, faults, inside="controls")
    transfers = _read(TransfersFile, root / "transfers.yaml", root, faults)

    territories = ground.territories if ground else ()
    regions = ground.regions if ground else ()
    places = [place for cloud in clouds if cloud for place in cloud.regions]
    faults += cross_check(
        jurisdictions=jurisdictions,
        territories=territories,
        regions=regions,
        places=places,
        partitions={name for cloud in clouds if cloud for name in cloud.partitions},
        residency=residency.rules if residency else None,
        currencies=currencies.exponents if currencies else None,
        data_classes=classes.classes if classes else None,
        payment_methods=methods.methods if methods else None,
        personal_data_laws=transfers.laws if transfers else (),
        controls=controls.controls if controls else {},
        ground_was_read=ground is not None,
    )
    if faults:
        raise CatalogueError(f"The catalogue in {root} cannot be used", (located(fault, root) for fault in faults))
    assert (
        residency and currencies and classes and methods and transfers and controls
    )  # what could not be read is a fault
    catalogue = Catalogue(
        jurisdictions=MappingProxyType({code: found for code, found in jurisdictions.items() if found}),
        territories=MappingProxyType({territory.code: territory for territory in territories}),
        regions=MappingProxyType({region.code: region for region in regions}),
        places=MappingProxyType({place.code: place for place in places}),
        partitions=MappingProxyType({n: p for cloud in clouds if cloud for n, p in cloud.partitions.items()}),
        residency=MappingProxyType(residency.rules),
        currencies=MappingProxyType(currencies.exponents),
        data_classes=MappingProxyType(classes.classes),
        payment_methods=MappingProxyType(methods.methods),
        personal_data_laws=transfers.laws,
        controls=MappingProxyType(controls.controls),
        version="",
    )
    return catalogue.at_version(_digest(catalogue))


def data_folder() -> Path:
    """Where the data files are: inside the installed package, or beside src/ in a checkout."""
    installed = Path(__file__).parent / "data"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "data"


def _read(model: type[M], path: Path, root: Path, faults: list[Fault], inside: str = "") -> M | None:
    """The file as the model, or None and its faults; `inside` names the model's field that is the file."""
    name = path.relative_to(root).as_posix()
    before = len(faults)
    mapping = read_mapping(path, name, faults)
    if len(faults) > before:
        return None
    return parse(model, {inside: mapping} if inside else mapping, name, faults)


def _digest(catalogue: Catalogue) -> str:
    """The sha256 of what the catalogue says: not of comments, order or layout."""
    content = {
        name: TypeAdapter(dict).dump_python(dict(getattr(catalogue, name)), mode="json")
        for name in (
            "jurisdictions",
            "territories",
            "regions",
            "places",
            "partitions",
            "residency",
            "currencies",
            "data_classes",
            "payment_methods",
            "controls",
        )
    }
    content["transfers"] = [law.model_dump(mode="json") for law in catalogue.personal_data_laws]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
