"""A node image for kind, built from Debian packages and Kubernetes' own binaries where none can be pulled."""
