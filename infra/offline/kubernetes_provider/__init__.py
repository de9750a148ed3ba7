"""A stand-in for the plugin `pulumi-resource-kubernetes`, for machines that cannot download the real one.

It serves an unchanged `pulumi_kubernetes` program: Pulumi's engine, state, previews and diffs stay real, and
every object is written by server-side apply. Where the real plugin has a default (ConfigMaps and Secrets are
replaced unless declared mutable, an object that exists already is refused unless upserts are on), the
stand-in has the same one, so that a program behaves alike with both. One is different: conflicts with other
owners of a field are always overridden (the real plugin's `enable_patch_force`).
Not in it: the Patch, List, Helm, Kustomize and YAML resources.
"""
