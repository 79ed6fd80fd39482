"""Truth: the schemas of the documents, which jsonschema checks their own examples against."""

import jsonschema
import pytest

from skyscan_server.web.examples import example_of
from skyscan_server.web.openapi import openapi_document
from skyscan_server.web.operations import Operation
from skyscan_server.web.routes import ROUTES


@pytest.mark.parametrize("name", ["public", "gateway", "internal"])
async def test_every_example_is_what_its_schema_describes(served, name):
    declared = {id(one): one for one in getattr(served, name)[ROUTES].values()}
    operations = [one for one in declared.values() if isinstance(one, Operation)]
    document = openapi_document(operations, "x", "1")
    components = document["components"]["schemas"]
    checked, wrong = 0, []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (body.get("content", {}) for body in bodies):
                schema = content.get("application/json", {}).get("schema")
                if schema is None:
                    continue
                example = example_of(schema, components)
                whole = {**schema, "components": document["components"]}
                problem = jsonschema.exceptions.best_match(
                    jsonschema.Draft202012Validator(whole).iter_errors(example)
                )
                if problem is not None:
                    wrong.append(f"{method} {path}: {problem.json_path}: {problem.message}")
                checked += 1
    assert wrong == []
    assert checked > 8
