"""What DAG authors import: operators and helpers that know the platform, so that DAG files need not."""
