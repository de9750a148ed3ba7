"""A stand-in for the command `pulumi`, for machines where Pulumi's engine cannot be had.

It runs unchanged programs with Pulumi's own Python SDK and plugins, over the protocols that the SDK brings
along, and keeps the state as Pulumi's file backend does: the real command can go on with it. What the
programs and people here use is in it; everything else is refused with an error. Not in it: other languages
and backends, remote components, transforms, hooks, policies, plans, targets, and a history of updates.
"""
