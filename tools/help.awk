# Prints a Makefile's targets with the text after ##, grouped by the lines that begin with ##@.
BEGIN { FS = ":.*## "; print "\nUsage: make <target> [ENV=local]" }
/^##@ / { printf "\n%s\n", substr($0, 5) }
/^[a-zA-Z0-9_%\/-]+:.*## / { printf "  %-18s %s\n", $1, $2 }
END { print "" }
