"""What people and CI run: stand up, tear down, build, push, measure."""
