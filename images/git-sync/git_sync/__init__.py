"""Keeps a directory at what a git repository's branch, tag or commit is: a stand-in for git-sync.

It stands in for the official image, v4, where that can't be pulled: the flags that it has, their GITSYNC_
environment names, the layout under --root, the HTTP endpoint and the metrics are the official ones, so either
image works with the same pod. Flags that it hasn't are refused by name. Beyond the official one, it waits for
a repository that is still empty, and backs off exponentially while syncs fail.
"""
