"""Pure functions from settings to Kubernetes objects. Nothing here imports Pulumi or touches a cluster."""

from typing import Any

Object = dict[str, Any]
"""A Kubernetes object, or a part of one, as the API takes it."""
