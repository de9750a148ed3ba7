"""The cluster program: a Kubernetes cluster, an image registry and an object store."""
