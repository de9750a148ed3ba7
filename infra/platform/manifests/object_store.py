"""How pods of a deployment reach the object store: what every stage pod's and every Airflow pod's
environment takes.
"""

import json
from typing import Any

from infra.platform.context import AirflowContext
from infra.platform.manifests import Object
from infra.platform.manifests.objects import config_map, secret
from infra.platform.names import OBJECT_STORE


def object_store(context: AirflowContext) -> list[Object]:
    """The ConfigMap and, where pods have no cloud identity, the Secret that are both named `object-store`."""
    store = context.cluster.object_store
    data = {
        "AWS_DEFAULT_REGION": store.region,
        "AWS_REGION": store.region,
        "SWITCHBOARD_DATA_BUCKET": store.buckets["data"],
        # Stores other than AWS's own don't know the checksums that newer clients send unasked.
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    }
    if store.endpoint_url:
        data["AWS_ENDPOINT_URL_S3"] = store.endpoint_url
    objects = [config_map(OBJECT_STORE, context.namespace, context.team, data)]
    if store.access_key_id and store.secret_access_key:
        keys = {
            "AWS_ACCESS_KEY_ID": store.access_key_id.get_secret_value(),
            "AWS_SECRET_ACCESS_KEY": store.secret_access_key.get_secret_value(),
        }
        objects.append(secret(OBJECT_STORE, context.namespace, context.team, keys))
    return objects


def aws_connection(context: AirflowContext) -> str:
    """Airflow's connection `aws_default`, as the JSON of an AIRFLOW_CONN_ variable. Holds secrets."""
    store = context.cluster.object_store
    extra: dict[str, Any] = {"region_name": store.region}
    if store.endpoint_url:
        extra["endpoint_url"] = store.endpoint_url
        extra["config_kwargs"] = {"s3": {"addressing_style": "path" if store.path_style else "auto"}}
    connection: dict[str, Any] = {"conn_type": "aws", "extra": extra}
    if store.access_key_id and store.secret_access_key:
        connection["login"] = store.access_key_id.get_secret_value()
        connection["password"] = store.secret_access_key.get_secret_value()
    return json.dumps(connection)
