"""`python -m infra.offline.node`: build the node image unless it is there, and print its name."""

from infra.offline.node.build import ensure_node_image

if __name__ == "__main__":
    print(ensure_node_image(print))
