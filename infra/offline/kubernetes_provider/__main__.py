"""Run the provider: `python -m infra.offline.kubernetes_provider ENGINE_ADDRESS`."""

from infra.offline.kubernetes_provider.server import main

if __name__ == "__main__":
    main()
