"""What both Pulumi programs and the operator's commands share."""
