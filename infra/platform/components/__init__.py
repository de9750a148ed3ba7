"""Pulumi components: they register the manifests' objects and add secrets and order."""
