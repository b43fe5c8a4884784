"""JSON schemas of study and claims files, by which editors complete and check them.

Editors with taplo (VS Code: Even Better TOML) use the schema that the first line of a file names, relative to the file:
``#:schema ./study.schema.json``.
"""

from __future__ import annotations

import json
from typing import Any

from harness.claims.paper import Paper
from harness.registry import DATASETS, PLANES, options_of
from harness.study.spec import StudySpec

SCHEMAS = ("study", "claims")


def schema_json(kind: str) -> str:
    """Return the JSON schema of ``kind`` (see :data:`SCHEMAS`) as text that ends with a line feed."""
    schema = Paper.model_json_schema(by_alias=True) if kind == "claims" else _study_schema()
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _study_schema() -> dict[str, Any]:
    schema = StudySpec.model_json_schema(by_alias=True)
    # Options of planes and data sets are checked by their own sections, which the model itself does not name.
    known = schema["$defs"]
    planes = {plane.name: options_of(plane).model_json_schema() for plane in PLANES}
    known["FeaturesSection"]["properties"]["planes"]["properties"] = planes
    for dataset in DATASETS:
        options = options_of(dataset).model_json_schema()
        known |= options.pop("$defs", {})
        if options.get("properties"):
            known["DataSection"]["properties"].setdefault(dataset.name, options)
            for name, field in options["properties"].items():
                known["DataSection"]["properties"].setdefault(name, field)
    return schema
