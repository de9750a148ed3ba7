"""Pulumi components: they register the manifests' objects and add what only Pulumi knows, secrets and order."""
